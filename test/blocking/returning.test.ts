/** The rows that a write returns leave in pieces, as those of a select, and the write is all or nothing. */
import { ConnectionPool } from "adbapi";
import { betterSqlite3With } from "adbapi/drivers/better-sqlite3";
import { nodeSqliteWith } from "adbapi/drivers/node-sqlite";
import { describe, expect, it, vi } from "vitest";
import { untilThreadWorks } from "../support/busy-thread.js";
import { describeEach, FILE_TARGETS, withPool } from "../support/targets.js";
import { sqliteDrivers, ThreadTester } from "../support/thread-connections.js";
import { quiet } from "../support/with-scripted.js";

const TABLE = "create table t (id integer primary key, x)";
const numbers = "with recursive c(i) as (select 1 where ?1 > 0 union all select i + 1 from c where i < ?1)";
const INSERT = `${numbers} insert into t (x) select 'row ' || i from c returning id, x`;
const count = async (pool: ConnectionPool) => (await pool.runQuery("select count(*) as n from t"))[0]?.n;

describeEach(FILE_TARGETS, (target) => {
  it("are all there, however many come at once, and each asker has their own", () =>
    withPool(target, { max: 2 }, async (pool) => {
      await pool.runOperation(TABLE);
      const ask = (many: number) => pool.runQuery<{ id: number; x: string }>(INSERT, [many]);
      for (let run = 0; run < 20; run++) await ask(1);
      const sizes = [1, 2, 3_000, 1, 0, 5_000, 1, 2_049, 2_048, 1];
      const results = await Promise.all(sizes.map(ask));
      expect(results.map((rows) => rows.length)).toEqual(sizes);
      const ids = new Set(results.flat().map(({ id }) => id));
      for (const rows of results) if (rows.length > 0) expect(rows.at(-1)?.x).toBe(`row ${rows.length}`);
      const all = sizes.reduce((sum, size) => sum + size);
      expect([ids.size, await count(pool)]).toEqual([all, all + 20]);
    }));

  it("more than a thread may have are refused, nothing is written, and the thread goes on", async () => {
    const resourceLimits = { maxOldGenerationSizeMb: 24 };
    const driver =
      target.name === "better-sqlite3"
        ? betterSqlite3With({ resourceLimits })
        : nodeSqliteWith({ resourceLimits });
    await using pool = new ConnectionPool(driver, ":memory:", { logger: quiet });
    await pool.runOperation(TABLE);
    const huge = `${numbers} insert into t (x) select hex(zeroblob(60)) from c returning *`;
    await expect(pool.runQuery(huge, [200_000])).rejects.toMatchObject({ name: "DataError" });
    expect(await count(pool)).toBe(0);
    await pool.runInteraction(async (transaction) => {
      await transaction.runOperation("insert into t (x) values ('kept')");
      await transaction
        .runInteraction(async (nested) => {
          await expect(nested.runQuery(huge, [200_000])).rejects.toMatchObject({ name: "DataError" });
          throw new Error("undone");
        })
        .then(undefined, () => {});
    });
    expect(await count(pool)).toBe(1);
    expect(pool.stats.connects).toBe(1);
  }, 60_000);

  it("in a transaction a stream takes them as it needs them; alone it is committed before the first", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation(TABLE);
      await pool.runInteraction(async (transaction) => {
        let taken = 0;
        for await (const _ of transaction.runStream(INSERT, [3_000])) if (++taken === 20) break;
        expect(await transaction.runQuery("select count(*) as n from t")).toEqual([{ n: 3_000 }]);
        let all = 0;
        for await (const _ of transaction.runStream(INSERT, [3_000])) all++;
        expect(all).toBe(3_000);
      });
      for await (const _ of pool.runStream(INSERT, [1_000])) {
        expect(await database.observe("select count(*) as n from t")).toEqual([{ n: 7_000 }]);
        break;
      }
      expect(await count(pool)).toBe(7_000);
    }));
});

for (const driver of sqliteDrivers) {
  describe(`${driver.name}: rows that a write returns`, () => {
    it("come with the last row's id, if there are any and it inserts", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute(TABLE);
      expect((await test.execute(INSERT, [5_000])).lastInsertId).toBe(5_000);
      expect(await test.execute(INSERT, [0])).toMatchObject({ rowCount: 0, lastInsertId: undefined });
      const updated = await test.execute("update t set x = 1 returning id");
      expect(updated).toMatchObject({ rowCount: 5_000, lastInsertId: undefined });
    });

    it("are stopped by a cancel, the write with them, and the thread goes on", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute(TABLE);
      for (let round = 0; round < 3; round++) {
        const statement = test.statement(INSERT, [200_000]);
        const running = test.connection.execute(statement);
        await untilThreadWorks();
        // However late the thread runs on this machine, it is not given up.
        vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
        try {
          const { outcome, done } = test.connection.cancel!(statement);
          expect(outcome).toBe("not applied");
          await expect(running).rejects.toThrow("cancelled");
          await done.then(undefined, () => {});
        } finally {
          vi.useRealTimers();
        }
        expect(await test.rows("select count(*) as n from t")).toEqual([{ n: 0 }]);
      }
    });

    it("undo the write where one of them cannot be given, be it behind others that have left", async () => {
      const test = await ThreadTester.open(driver, [":memory:"], { int64: "number" });
      await test.execute(TABLE);
      const sql = `${numbers} insert into t (x) select case i when 4000 then 9007199254740993 else i end from c returning x`;
      await expect(test.execute(sql, [9_000])).rejects.toThrow("9007199254740993");
      expect(await test.rows("select count(*) as n from t")).toEqual([{ n: 0 }]);
    });

    it("do not change what a failed write leaves behind: OR FAIL keeps what came before", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (x unique)");
      await test.execute("insert into t values (3)");
      const sql = `${numbers} insert or fail into t select i from c returning x`;
      await expect(test.execute(sql, [5])).rejects.toThrow(/unique/i);
      expect(await test.rows("select x from t order by x")).toEqual([{ x: 1 }, { x: 2 }, { x: 3 }]);
    });
  });
}
