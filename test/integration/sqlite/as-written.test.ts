/** What SQLite's packages are known to have changed on its way, in one version or another. */
import { expect, test } from "vitest";
import { describeEach, FILE_TARGETS, withPool } from "../../support/targets.js";

describeEach(FILE_TARGETS, (target) => {
  test("empty bytes stay bytes, and texts keep what is behind a NUL", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("create table t (id integer primary key, a, b)");
      const values = [
        [Buffer.alloc(0), "a\0b"],
        [new Uint8Array(new ArrayBuffer(0)), "\0"],
        [Buffer.from("x").subarray(1), ""],
      ];
      for (const pair of values) await pool.runOperation("insert into t (a, b) values (?, ?)", pair);
      await pool.runInteraction((t) => t.executeMany("insert into t (a, b) values (?, ?)", values));
      const sql = "select typeof(a) as type, a, b, length(cast(b as blob)) as size from t order by id";
      const rows = values.map(([, b]) => ({ type: "blob", a: Buffer.alloc(0), b, size: b!.length }));
      expect(await pool.runQuery(sql)).toEqual([...rows, ...rows]);
      const streamed: unknown[] = [];
      for await (const row of pool.runStream(sql)) streamed.push(row);
      expect(streamed).toEqual([...rows, ...rows]);
      expect(await pool.runQuery('select ? as a, "b" from t where b = ?', ["\0x", "a\0b"])).toHaveLength(2);
    }));

  test("a text that was run before has the columns that its table has by now", () =>
    withPool(target, { max: 2 }, async (pool) => {
      await pool.runOperation("create table t (a)");
      await pool.runOperation("insert into t values (1)");
      const all = async () => {
        const streamed: unknown[] = [];
        for await (const row of pool.runStream("select * from t")) streamed.push(row);
        return [await pool.runQuery("select * from t"), streamed];
      };
      for (let times = 0; times < 3; times++) expect(await all()).toEqual([[{ a: 1 }], [{ a: 1 }]]);
      await pool.runOperation("alter table t add column b default 2");
      for (let times = 0; times < 3; times++) {
        expect(await all()).toEqual([[{ a: 1, b: 2 }], [{ a: 1, b: 2 }]]);
      }
      await pool.runOperation("alter table t drop column a");
      expect(await all()).toEqual([[{ b: 2 }], [{ b: 2 }]]);
    }));
});
