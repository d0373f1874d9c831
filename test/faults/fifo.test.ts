/** F25: first come, first served, whatever it is that was asked for. */
import { expect, test } from "vitest";
import { gate } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

test("F25 statements, interactions and connections are served in the order asked", () =>
  withScripted({ pool: { max: 1 } }, async (pool, server) => {
    const running = gate.held();
    server.next("execute", running);
    const asked: PromiseLike<unknown>[] = [pool.runQuery("update first")];
    await running.entered;
    for (let n = 0; n < 30; n++) {
      const sql = `select ${n}`;
      if (n % 3 === 0) asked.push(pool.runQuery(sql));
      else if (n % 3 === 1) asked.push(pool.runInteraction((t) => t.runQuery(sql)));
      else asked.push(pool.runWithConnection((c) => c.cursor().execute(sql)));
    }
    expect(pool.stats.waiting).toBe(30);
    running.ok();
    await Promise.all(asked);
    expect(server.executed).toEqual(["update first", ...Array.from({ length: 30 }, (_, n) => `select ${n}`)]);
  }));

test("F25 a stream of single statements does not starve an interaction, nor the other way round", () =>
  withScripted({ pipeline: 8, pool: { max: 2 } }, async (pool, server) => {
    for (let n = 0; n < 3; n++) await pool.runQuery("select busy");
    let [statements, interactions, stop] = [0, 0, false];
    const streams = Array.from({ length: 20 }, async () => {
      while (!stop) {
        await pool.runQuery("select busy");
        statements++;
      }
    });
    for (; interactions < 50; interactions++) await pool.runInteraction((t) => t.runQuery("select 1"));
    stop = true;
    await Promise.all(streams);
    expect(statements).toBeGreaterThan(50);
    expect(statements).toBeLessThan(50 * 200);
    expect(server.most).toBe(2);
  }));

test("F25 past maxWaiting further work is refused at once, and what waits goes on", () =>
  withScripted({ pool: { max: 1, maxWaiting: 2 } }, async (pool, server, listen) => {
    const running = gate.held();
    server.next("execute", running);
    const first = listen(pool.runQuery("update 1"));
    await running.entered;
    const waiting = [
      listen(pool.runQuery("select 2")),
      listen(pool.runInteraction((t) => t.runQuery("select 3"))),
    ];
    const tooMany = [
      listen(pool.runQuery("select 4")),
      listen(pool.runInteraction((t) => t.runQuery("select 5"))),
    ];
    // Within this turn of the event loop.
    for (let tick = 0; tick < 1_000 && tooMany.some((ear) => ear.fired === 0); tick++) await null;
    for (const { error } of tooMany) {
      expect(error.name).toBe("PoolTimeout");
      expect(error.message).toContain("maxWaiting");
    }
    running.ok();
    while (waiting.some((ear) => ear.fired === 0)) await new Promise(setImmediate);
    expect(first.fired).toBe(1);
    expect(server.executed).toEqual(["update 1", "select 2", "select 3"]);
  }));
