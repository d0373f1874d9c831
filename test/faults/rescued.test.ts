/**
 * F8: a statement that was stuck behind another, taken back to the queue, and over before either connection answered.
 */
import type { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate, type Held, type ScriptedServer } from "../support/scripted-driver.js";
import { type Listen, withScripted } from "../support/with-scripted.js";

/** `select 2` stands behind a stuck `select 1`, and waits again: the only other connection is in use. */
async function stuck(pool: ConnectionPool, server: ScriptedServer, listen: Listen) {
  for (const sql of ["select 1", "select 2"]) for (let n = 0; n < 50; n++) await pool.runQuery(sql);
  // By now both are known to be fast, however slow the first runs were on a busy machine.
  const [one, other]: Held[] = [gate.held(), gate.held()];
  server.next("execute", one as Held, other as Held);
  const ears = [listen(pool.runQuery("select 1"))];
  const holding = listen(pool.runQuery("update 1"));
  await (other as Held).entered;
  const second = pool.runQuery("select 2");
  ears.push(listen(second));
  expect(pool.stats.waiting).toBe(0); // sent ahead
  await eventually("waiting again", () => pool.stats.waiting, 1);
  return { one: one as Held, other: other as Held, second, ears, holding };
}

test("F8 cancelled while it waits again: the late answer is dropped", () =>
  withScripted({ pipeline: 8 }, async (pool, server, listen) => {
    const { one, other, second, ears } = await stuck(pool, server, listen);
    second.cancel();
    expect(ears[1]?.fired).toBe(1);
    one.ok();
    await eventually("the first", () => ears[0]?.fired, 1);
    other.ok();
  }));

test("F8 its connection dies while it waits again: the other connection gives the answer", () =>
  withScripted({ pipeline: 8 }, async (pool, server, listen) => {
    const { other, ears } = await stuck(pool, server, listen);
    [...server.sessions][0]?.kill();
    other.ok();
    await eventually("answers", () => ears.filter((ear) => ear.fired).length, 2);
    expect(ears[0]?.error.outcome).toBe("unknown");
    expect(ears[1]?.heard).toEqual([{ value: [{ session: 2 }] }]);
  }));

test("F8 its time to wait ends too, though it had been sent before", () =>
  withScripted({ pipeline: 8, pool: { acquireTimeoutMillis: 400 } }, async (pool, server, listen) => {
    const { one, other, ears } = await stuck(pool, server, listen);
    await eventually("the timeout", () => ears[1]?.fired, 1, 2_000);
    expect(ears[1]?.error.name).toBe("PoolTimeout");
    one.ok();
    other.ok();
    await eventually("the first", () => ears[0]?.fired, 1);
  }));
