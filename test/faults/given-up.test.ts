/** F7, F8, F9: a single statement that is cancelled or runs out of time, in each phase of its life. */
import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { Forwarder } from "../support/forwarder.js";
import { describeEach, SERVER_TARGETS, TARGETS } from "../support/targets.js";
import {
  eachMeans,
  failureOf,
  GENEROUS,
  ids,
  nothingRuns,
  proveOutcome,
  slowInsert,
  untilRunning,
  withItems,
} from "./statement-facts.js";

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  test.each(eachMeans())("F7 F9 $name while a query runs: the server stops, the session goes on", (means) =>
    withItems(target, { ...means.pool, min: 1, max: 1 }, async (pool, database) => {
      const session = async () => {
        const [row] =
          target.sessionIdSql === undefined
            ? [{ id: 0 }]
            : await pool.runQuery(target.sessionIdSql, [], GENEROUS);
        return row!.id;
      };
      const before = await session();
      const query = pool.runQuery(target.endlessSql, undefined, means.options());
      await means.giveUp(query, () => untilRunning(target, pool, database));
      const error = await failureOf(query);
      expect(error).toBeInstanceOf(means.error);
      expect(error.outcome).toMatch(/^(unknown|not applied|applied)$/);
      await nothingRuns(target, database);
      expect(await session()).toEqual(before);
    }),
  );

  test.each(eachMeans())("F7 F9 $name while a write runs: its outcome is true", (means) =>
    withItems(target, { ...means.pool, max: 1 }, async (pool, database) => {
      // A file's next writer waits for its end, which is a matter of processor time: on a busy machine it takes long.
      const seconds = target.server === undefined ? 0.5 : 2;
      const write = pool.runOperation(slowInsert(target, 10, seconds), undefined, means.options());
      await means.giveUp(write, () => untilRunning(target, pool, database));
      const error = await failureOf(write);
      expect(error).toBeInstanceOf(means.error);
      // The next write comes after it, and stands on firm ground.
      await pool.runOperation(insert, [11], GENEROUS);
      await proveOutcome(database, error, 10);
      expect(await ids(database)).toContain(11);
    }),
  );

  test.each(eachMeans())("F7 F8 $name while it waits for a connection: never sent", (means) =>
    withItems(target, { ...means.pool, max: 1 }, async (pool, database) => {
      let release = () => {};
      const holder = pool.runInteraction(() => new Promise<void>((resolve) => (release = resolve)));
      const write = pool.runOperation(insert, [10], means.options());
      await eventually("in use", () => pool.stats.inUse, 1);
      await means.giveUp(write);
      const error = await failureOf(write);
      expect(error).toBeInstanceOf(means.error);
      expect(error.outcome).toBe("not sent");
      expect(pool.stats.waiting).toBe(0);
      release();
      await holder;
      await pool.runOperation(insert, [11], GENEROUS);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }),
  );

  test("F8 cancel() while the first connection is opened: never sent", () =>
    withItems(target, { min: 0, max: 1 }, async (pool, database) => {
      const write = pool.runOperation(insert, [10]);
      write.cancel();
      const error = await failureOf(write);
      expect(error.outcome).toBe("not sent");
      await pool.runOperation(insert, [11], GENEROUS);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));

  test("F8 a connection that is granted in the moment of the cancel goes to the next", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      for (let round = 0; round < 30; round++) {
        const first = pool.runInteraction((transaction) => transaction.runQuery("select 1 as v"));
        const second = pool.runOperation(insert, [100 + round]);
        const third = pool.runInteraction((transaction) => transaction.runQuery("select 3 as v"));
        first.addCallback(() => {
          second.cancel();
        });
        const error = await failureOf(second);
        expect(await third).toEqual([{ v: 3 }]);
        await proveOutcome(database, error, 100 + round);
      }
    }));

  test("F9 cancel() in the very turn of the call: the caller hears at once, the pool goes on", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      await pool.start();
      const write = pool.runOperation(insert, [10]);
      write.cancel();
      expect(write.called).toBe(true);
      const error = await failureOf(write);
      await pool.runOperation(insert, [11], GENEROUS);
      await proveOutcome(database, error, 10);
    }));

  test("F9 a signal that was aborted before: nothing is sent, the reason is the cause", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const reason = new Error("no longer wanted");
      const error = await failureOf(pool.runOperation(insert, [10], { signal: AbortSignal.abort(reason) }));
      expect(error).toMatchObject({ outcome: "not sent", cause: reason });
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));
});

describeEach(SERVER_TARGETS, (target) => {
  test("F9 cancel() a little after the call, whatever the driver is at: the server stops soon", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      await pool.start();
      for (let wait = 0; wait < 12; wait++) {
        // A text of its own each time: it has yet to be prepared.
        const sql = target.server === "postgres" ? "pg_sleep($1)" : "sleep(?)";
        const query = pool.runQuery(`select ${sql}, ${wait} as n`, [20]);
        const failing = failureOf(query);
        const until = performance.now() + wait / 2;
        while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
        query.cancel();
        expect(await failing).toMatchObject({ name: "CancelledError" });
        await nothingRuns(target, database);
        expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
      }
    }));

  test("F7 a server that does not hear of the cancel: the session is destroyed at its deadline, the caller hears", async () => {
    await using database = await target.createDatabase();
    await using forwarder = await Forwarder.before(database.connectArgs);
    const pool = new ConnectionPool(target.name, forwarder.through(database.connectArgs), { min: 0, max: 1 });
    // What a new session asks for itself would be taken for the statement.
    await pool.runQuery("select 1");
    const query = pool.runQuery(target.endlessSql, undefined, { timeoutMillis: 200 });
    await untilRunning(target, pool, database);
    forwarder.stall();
    const error = await failureOf(query);
    expect(error).toMatchObject({ name: "StatementTimeout", outcome: "unknown" });
    forwarder.resume();
    expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
    await pool.close({ timeoutMillis: 2_000 });
  });
});
