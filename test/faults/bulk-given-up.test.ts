/** F7, F9: `executeMany` has a time of its own, and a signal. */
import { CancelledError, StatementTimeout } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, SERVER_TARGETS, TARGETS } from "../support/targets.js";
import { failureOf, ids, withItems } from "./statement-facts.js";

/** Lists for some seconds of work. */
const MANY = Array.from({ length: 400_000 }, (_, n) => [n + 10]);

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  test.each([
    ["timeoutMillis", { timeoutMillis: 60 }, {}],
    ["statementTimeoutMillis", undefined, { statementTimeoutMillis: 60 }],
  ])("F7 executeMany out of time (%s): stopped, rolled back, the session goes on", (_, limits, options) =>
    withItems(target, { min: 1, max: 1, ...options }, async (pool, database) => {
      await pool.start();
      const work = pool.runInteraction((transaction) => transaction.executeMany(insert, MANY, limits));
      const failure = await failureOf(work);
      expect(failure).toBeInstanceOf(StatementTimeout);
      expect(failure).toMatchObject({ outcome: "not applied", sql: insert });
      expect(failure.message).toContain("60 ms");
      expect(failure.message).toContain("outcome: not applied");
      expect(await ids(database)).toEqual([1, 2, 3]);
      await pool.runOperation(insert, [10], { timeoutMillis: 20_000 });
      expect(pool.stats.disconnects).toBe(0);
    }),
  );

  test("F9 executeMany, its signal aborted: the error is the function's to swallow", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      let failure: unknown;
      const work = pool.runInteraction(async (transaction) => {
        await transaction
          .runInteraction(async (part) => {
            const bulk = part.executeMany(insert, MANY, { signal: controller.signal });
            setTimeout(() => controller.abort(reason), 60);
            failure = await failureOf(bulk);
            throw failure;
          })
          .catch(() => {});
        await transaction.runOperation(insert, [5]);
      });
      await work;
      expect(failure).toBeInstanceOf(CancelledError);
      expect(failure).toMatchObject({ cause: reason, outcome: "unknown" });
      expect(await ids(database)).toEqual([1, 2, 3, 5]);
    }));

  test("F7 an executeMany that is in time is not disturbed, nor is what comes after it", () =>
    withItems(target, { max: 1, statementTimeoutMillis: 20_000 }, async (pool, database) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.executeMany(insert, [[10], [11]], { timeoutMillis: 10_000 });
        await transaction.runOperation(insert, [12]);
      });
      expect(await ids(database)).toEqual([1, 2, 3, 10, 11, 12]);
    }));
});

describeEach(SERVER_TARGETS, (target) => {
  test("F7 executeMany that waits for a lock, out of time: stopped at the server", () =>
    withItems(target, { max: 2 }, async (pool, database) => {
      const update = target.sql("update items set name = ? where id = 1");
      await pool.runInteraction(async (holder) => {
        await holder.runOperation(update, ["held"]);
        const bulk = pool.runInteraction((transaction) =>
          transaction.executeMany(update, [["late"], ["later"]], { timeoutMillis: 100 }),
        );
        expect(await failureOf(bulk)).toMatchObject({ name: "StatementTimeout", outcome: "not applied" });
      });
      expect(await database.observe("select name from items where id = 1")).toMatchObject([{ name: "held" }]);
      expect(pool.stats.disconnects).toBe(0);
    }));
});
