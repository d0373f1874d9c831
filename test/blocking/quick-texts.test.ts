/** However quick a text was before: its rows leave in pieces, and it can be stopped between any two of them. */
import { ConnectionPool } from "adbapi";
import { betterSqlite3With } from "adbapi/drivers/better-sqlite3";
import { nodeSqliteWith } from "adbapi/drivers/node-sqlite";
import { describe, expect, it, vi } from "vitest";
import { untilThreadWorks } from "../support/busy-thread.js";
import { describeEach, FILE_TARGETS } from "../support/targets.js";
import { sqliteDrivers, ThreadTester } from "../support/thread-connections.js";
import { quiet } from "../support/with-scripted.js";

const COUNT_TO =
  "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?) select i, 'row ' || i as t from n";

for (const driver of sqliteDrivers) {
  describe(`${driver.name}: a text that is known as quick`, () => {
    async function quick(test: ThreadTester): Promise<void> {
      for (let run = 0; run < 50; run++) await test.execute(COUNT_TO, [1]);
    }

    it("is stopped between two rows when it is not, again and again, and its thread goes on", async () => {
      const test = await ThreadTester.open(driver);
      await quick(test);
      for (let round = 0; round < 4; round++) {
        const statement = test.statement(COUNT_TO, [300_000_000]);
        const running = test.connection.execute(statement);
        await untilThreadWorks();
        // However late the thread runs on this machine, it is not given up.
        vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
        try {
          const { outcome, done } = test.connection.cancel!(statement);
          expect(outcome).toBe("not applied");
          await expect(running).rejects.toThrow("cancelled");
          await done;
        } finally {
          vi.useRealTimers();
        }
        expect(await test.rows(COUNT_TO, [2])).toHaveLength(2);
      }
    });

    it("gives each asker their own rows, however many, when several come at once", async () => {
      const test = await ThreadTester.open(driver);
      await quick(test);
      const sizes = [1, 3_000, 2, 2_048, 50_000, 64, 65, 4_096, 1];
      const all = await Promise.all(sizes.map((size) => test.rows(COUNT_TO, [size])));
      expect(all.map((rows) => rows.length)).toEqual(sizes);
      for (const rows of all) expect(rows.at(-1)).toEqual({ i: rows.length, t: `row ${rows.length}` });
    });

    it("leaves nothing behind of a result that failed in its midst", async () => {
      const test = await ThreadTester.open(driver, [":memory:"], { int64: "number" });
      const sql =
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?) select case i when 9000 then 9007199254740993 else i end as i from n";
      for (let run = 0; run < 50; run++) await test.execute(sql, [1]);
      const [bad, good] = await Promise.allSettled([test.rows(sql, [20_000]), test.rows(sql, [3])]);
      expect(bad).toMatchObject({ status: "rejected" });
      expect(good).toMatchObject({ value: [{ i: 1 }, { i: 2 }, { i: 3 }] });
    });

    it("hands on wide rows before they are many", async () => {
      const test = await ThreadTester.open(driver);
      const sql =
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?) select zeroblob(700000) as b, i from n";
      for (let run = 0; run < 10; run++) await test.execute(sql, [1]);
      const rows = await test.rows(sql, [40]);
      expect(rows.map(({ b, i }) => [(b as Buffer).length, i])).toEqual(
        Array.from({ length: 40 }, (_, at) => [700_000, at + 1]),
      );
    });
  });
}

describeEach(FILE_TARGETS, (target) => {
  it("a result larger than a thread may be is refused, and the thread goes on", async () => {
    const resourceLimits = { maxOldGenerationSizeMb: 24 };
    const driver =
      target.name === "better-sqlite3"
        ? betterSqlite3With({ resourceLimits })
        : nodeSqliteWith({ resourceLimits });
    await using pool = new ConnectionPool(driver, ":memory:", { logger: quiet });
    await pool.runOperation("create table t (a int)");
    const refused = { name: "DataError", message: expect.stringContaining("read them with runStream") };
    await expect(pool.runQuery(COUNT_TO, [3_000_000])).rejects.toMatchObject(refused);
    await pool.runInteraction(async (t) => {
      await t.runOperation("insert into t values (1)");
      await expect(t.runQuery(COUNT_TO, [3_000_000])).rejects.toMatchObject(refused);
      await t.runOperation("insert into t values (2)");
    });
    let streamed = 0;
    for await (const _ of pool.runStream(COUNT_TO, [300_000])) streamed++;
    expect(streamed).toBe(300_000);
    expect(await pool.runQuery("select a from t")).toEqual([{ a: 1 }, { a: 2 }]);
    expect(pool.stats.connects).toBe(1);
  }, 60_000);
});
