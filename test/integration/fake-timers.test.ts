/** A test that fakes the timers of its own program does not hang in a pool: turns of the event loop are no time. */
import { ConnectionPool } from "adbapi";
import { afterEach, expect, test, vi } from "vitest";
import { describeEach, TARGETS } from "../support/targets.js";

afterEach(() => void vi.useRealTimers());

describeEach(TARGETS, (target) => {
  test.each([["setImmediate", "clearImmediate"], undefined] as const)(
    "a pool works and closes while timers are faked (%s)",
    async (toFake) => {
      await using database = await target.createDatabase();
      vi.useFakeTimers(toFake && { toFake: [...toFake] });
      const pool = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 2 });
      expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
      expect(await pool.runInteraction((transaction) => transaction.runQuery("select 2 as v"))).toEqual([
        { v: 2 },
      ]);
      await pool.runWithConnection((connection) => connection.cursor().execute("select 3"));
      for await (const row of pool.runStream("select 4 as v")) expect(row).toEqual({ v: 4 });
      await expect(pool.runQuery("select * from no_such_table")).rejects.toThrow();
      await pool.close();
      expect(pool.stats.size).toBe(0);
    },
  );
});
