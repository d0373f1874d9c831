/** F4, F6: connections that die, or whose peer vanishes, while nobody uses them. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";
import { withFaults, works } from "../support/with-faults.js";

describeEach(SERVER_TARGETS, (target) => {
  test("F4 idle connection killed at the server: it leaves at once, min is refilled, the process lives", () =>
    withFaults(target, { min: 2 }, async ({ pool, database, listen }) => {
      await pool.start();
      await database.killSessions();
      await eventually("losses", () => pool.stats.losses, 2);
      await eventually("size", () => pool.stats.size, 2);
      const ear = listen(pool.runQuery("select 1 as one"));
      await eventually("the next", () => ear.fired, 1);
      expect(ear.heard).toHaveLength(1);
      expect(pool.stats.connects).toBe(4);
    }));

  test("F4 idle connection cut by the network: the same", () =>
    withFaults(target, { min: 0 }, async ({ pool, forwarder, listen }) => {
      await pool.runQuery("select 1");
      await eventually("idle", () => pool.stats.idle, 1);
      await forwarder.cut();
      await eventually("size", () => pool.stats.size, 0);
      const ear = listen(pool.runQuery("select 1"));
      await eventually("the next", () => ear.fired, 1);
      expect(ear.heard[0]).toHaveProperty("value");
      expect(pool.stats.losses).toBe(1);
    }));

  test("F4 idle connection ended by the peer without an error: it leaves at once too", () =>
    withFaults(target, { min: 0 }, async ({ pool, forwarder, listen }) => {
      await pool.runQuery("select 1");
      await eventually("idle", () => pool.stats.idle, 1);
      forwarder.hangUp();
      await eventually("size", () => pool.stats.size, 0);
      const ear = listen(pool.runQuery("select 1 as one"));
      await eventually("the next", () => ear.fired, 1);
      expect(ear.heard[0]).toHaveProperty("value");
      expect(pool.stats).toMatchObject({ losses: 1, connects: 2 });
    }));

  test("F4 killed in the moment in which it is used: answered, or ConnectionLost, never left open", () =>
    withFaults(target, { max: 2 }, async ({ pool, database, listen }) => {
      for (let round = 0; round < 5; round++) {
        await eventually("a connection", () => works(pool), true);
        const killing = database.killSessions();
        const ear = listen(pool.runQuery("select 1"));
        await killing;
        await eventually("the answer", () => ear.fired, 1);
        if (ear.heard[0]?.error !== undefined) expect(ear.error.name).toBe("ConnectionLost");
      }
    }));

  test("F6 peer vanishes while idle: probe deadline, then another connection, within acquireTimeoutMillis", () =>
    withFaults(
      target,
      { max: 3, acquireTimeoutMillis: 4_000 },
      async ({ pool, database, forwarder, listen }) => {
        await Promise.all([1, 2, 3].map(() => pool.runInteraction((t) => t.runQuery("select 1"))));
        await sleep(600); // past the time in which a connection is trusted
        const before = pool.stats.connects;
        forwarder.stall();
        const ears = [1, 2].map(() => listen(pool.runQuery("select 1 as one")));
        await sleep(1_300); // the probe's deadline is a quarter of 4 s
        expect(pool.stats.idle).toBe(0); // the third sat idle for as long: it is gone without a probe of its own
        forwarder.resume();
        await eventually("answers", () => ears.filter((ear) => ear.fired).length, 2, 2_500);
        for (const ear of ears) expect(ear.heard[0]).toHaveProperty("value");
        expect(pool.stats.connects).toBeGreaterThan(before);
        expect(await database.countSessions()).toBeLessThanOrEqual(3);
      },
    ));
});
