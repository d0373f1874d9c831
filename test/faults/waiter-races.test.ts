/** F8: two things in the same moment: a cancel and a grant, a deadline and an answer. */
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

test("F8 a waiter that is cancelled in the turn in which its connection comes gives it to the next", () =>
  withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
    const connecting = gate.held();
    server.next("connect", connecting);
    const first = pool.runQuery("select 1");
    const ears = [listen(first), listen(pool.runQuery("select 2"))];
    await connecting.entered;
    connecting.ok();
    first.cancel();
    await eventually("answers", () => ears.filter((ear) => ear.fired).length, 2);
    expect(ears[0]?.error).toBeInstanceOf(CancelledError);
    expect(ears[1]?.heard).toEqual([{ value: [{ session: 1 }] }]);
    expect(server.executed).toEqual(["select 2"]);
  }));

test.each([0, 1, 2, 3, 4, 5, 6, 8, 12, 20])(
  "F8 an interaction cancelled %i microtasks after the connect leaves nothing borrowed",
  (turns) =>
    withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
      const connecting = gate.held();
      server.next("connect", connecting);
      const interaction = pool.runInteraction((t) => t.runQuery("select 1"));
      const ear = listen(interaction);
      await connecting.entered;
      connecting.ok();
      for (let n = 0; n < turns; n++) await null;
      interaction.cancel();
      await eventually("the answer", () => ear.fired, 1);
      expect(ear.error).toBeInstanceOf(CancelledError);
      await eventually("in use", () => pool.stats.inUse, 0);
    }),
);

test("F8 a waiter that is cancelled while its connection is probed gives it back", () =>
  withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
    await pool.runQuery("select 1");
    await sleep(550); // past the time in which a connection is trusted
    const probe = gate.held();
    server.next("ping", probe);
    const query = pool.runQuery("select 2");
    const ear = listen(query);
    await probe.entered;
    query.cancel();
    expect(ear.error.outcome).toBe("not sent");
    probe.ok();
    await eventually("idle", () => pool.stats.idle, 1);
    expect(server.connects).toBe(1);
  }));

test("F8 a connection that comes after its waiter's deadline goes to the next", () =>
  withScripted({ pool: { max: 1, acquireTimeoutMillis: 60 } }, async (pool, server, listen) => {
    const running = gate.held();
    server.next("execute", running);
    listen(pool.runQuery("update 1"));
    await running.entered;
    const late = listen(pool.runQuery("select 2"));
    await eventually("the timeout", () => late.fired, 1);
    expect(late.error).toBeInstanceOf(PoolTimeout);
    const next = listen(pool.runQuery("select 3"));
    running.ok();
    await eventually("the next", () => next.fired, 1);
    expect(server.executed).toEqual(["update 1", "select 3"]);
  }));

test("F4 a connection that dies in the turn in which it was given back does not keep its place", () =>
  withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
    await pool.runQuery("select 1");
    [...server.sessions][0]?.kill();
    const ear = listen(pool.runQuery("select 2"));
    await eventually("the answer", () => ear.fired, 1, 1_000);
    expect(ear.heard).toEqual([{ value: [{ session: 2 }] }]);
  }));
