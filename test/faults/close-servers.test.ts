/** F22, F24 on real databases: the ends of a pool and of its connections. */
import { setTimeout as sleep } from "node:timers/promises";
import { PoolClosed } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, FILE_TARGETS, SERVER_TARGETS, TARGETS, withPool } from "../support/targets.js";
import { withFaults } from "../support/with-faults.js";
import { Ear, quiet } from "../support/with-scripted.js";

describeEach(TARGETS, (target) => {
  test("F22 closed while busy: what was asked is finished, nothing stays open", () =>
    withPool(target, { min: 2, max: 2 }, async (pool, database) => {
      await pool.runOperation("create table t (a integer)");
      const insert = target.sql("insert into t values (?)");
      const ears = Array.from({ length: 20 }, (_, n) => new Ear(pool.runOperation(insert, [n])));
      ears.push(new Ear(pool.runInteraction((t) => t.runOperation(insert, [20]))));
      await pool.close();
      expect(ears.filter((ear) => ear.fired === 1 && "value" in (ear.heard[0] ?? {}))).toHaveLength(21);
      const late = new Ear(pool.runQuery("select 1"));
      expect(late.error).toBeInstanceOf(PoolClosed);
      await eventually("sessions", () => database.countSessions(), 0);
      expect(await database.observe("select a from t")).toHaveLength(21);
    }));

  test("F22 closed by force in mid-statement: those waiting get PoolClosed, what ran is cancelled", () =>
    withPool(target, { min: 0, max: 1, logger: quiet }, async (pool) => {
      const running = new Ear(pool.runQuery(target.endlessSql));
      await eventually("running", () => pool.stats.inUse, 1);
      const waiting = new Ear(pool.runInteraction((t) => t.runQuery("select 1")));
      const started = performance.now();
      await pool.close({ timeoutMillis: 100 });
      expect(performance.now() - started).toBeLessThan(15_000);
      expect(running.error.name).toBe("CancelledError");
      expect(waiting.error).toBeInstanceOf(PoolClosed);
    }));

  test("F24 past its lifetime a connection is replaced, never under a loan", () =>
    withPool(target, { min: 1, max: 1, maxLifetimeMillis: 400 }, async (pool) => {
      const { connects } = pool.stats;
      await pool.runInteraction(async (t) => {
        await t.runQuery("select 1");
        await sleep(700);
        await t.runQuery("select 1"); // the same session: a transaction never moves
        expect(pool.stats.disconnects).toBe(0);
      });
      await eventually("replaced", () => pool.stats.connects > connects && pool.stats.size === 1, true);
      await eventually("replaced though idle", () => pool.stats.disconnects > 2, true);
    }));

  test("F24 idle connections above min go", () =>
    withPool(target, { min: 1, max: 3, idleTimeoutMillis: 200 }, async (pool, database) => {
      await Promise.all(
        [1, 2, 3].map(() =>
          pool.runInteraction({ readOnly: true }, async (t) => {
            await t.runQuery("select 1");
            await sleep(100);
          }),
        ),
      );
      await eventually("size", () => pool.stats.size, 1);
      // SQLite puts off the close of a file's descriptor while others of the process hold locks on it.
      if (target.server !== undefined) await eventually("sessions", () => database.countSessions(), 1);
    }));
});

describeEach(SERVER_TARGETS, (target) => {
  test("F24 connections come and go under load: never more than max sessions at the server", () =>
    withFaults(target, { min: 1, max: 3, maxLifetimeMillis: 100 }, async ({ pool, database, listen }) => {
      const begin = performance.now();
      // A busy machine takes longer for as many.
      const going = () =>
        performance.now() < begin + 1_500 || (pool.stats.connects <= 6 && performance.now() < begin + 30_000);
      const worker = async () => {
        while (going()) await pool.runInteraction((t) => t.runQuery("select 1"));
      };
      const workers = Array.from({ length: 20 }, worker);
      let most = 0;
      while (going()) most = Math.max(most, await database.countSessions());
      await Promise.all(workers);
      expect(pool.stats.connects).toBeGreaterThan(6);
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(3);
      listen(pool.runQuery("select 1"));
    }));

  test("F22 closed while the peer has vanished: by force, at a deadline", () =>
    withFaults(target, { min: 2 }, async ({ pool, forwarder, listen }) => {
      await pool.start();
      const stuck = listen(pool.runQuery("select 1"));
      forwarder.stall();
      const interaction = listen(pool.runInteraction((t) => t.runQuery("select 1")));
      const closing = listen(pool.close({ timeoutMillis: 200 }));
      // 200 ms, a second to settle, half a second for goodbyes
      await eventually("closed", () => closing.fired, 1, 4_500);
      expect(stuck.fired + interaction.fired).toBe(2);
      forwarder.resume();
    }));

  test("F22 idle, and the peer has vanished: close() has an end without a timeout of its own", () =>
    withFaults(target, { min: 2 }, async ({ pool, forwarder, listen }) => {
      await pool.start();
      forwarder.stall();
      const closing = listen(pool.close());
      await eventually("closed", () => closing.fired, 1, 12_000);
      forwarder.resume();
    }));
});

describeEach(FILE_TARGETS, (target) => {
  test("F22 a busy thread is never terminated: close() waits for it, and the process lives", () =>
    withPool(target, { min: 0, max: 1, logger: quiet }, async (pool) => {
      await pool.runOperation("create table t (a integer)");
      // One row at the end only: it cannot be stopped between rows.
      const slow =
        "insert into t with recursive c(x) as (select 1 union all select x + 1 from c where x < 1000000) select max(x) from c";
      const ear = new Ear(pool.runOperation(slow));
      await eventually("running", () => pool.stats.inUse, 1);
      await pool.close({ timeoutMillis: 50 });
      expect(ear.fired).toBe(1);
    }));
});
