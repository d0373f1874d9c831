/** A read does not wait for the writer's place: the database says what may write, on whatever connection is free. */
import { PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, FILE_TARGETS, withPool } from "../../support/targets.js";
import { sqliteDrivers, ThreadTester } from "../../support/thread-connections.js";
import { untilOpen } from "../../support/with-pool.js";

/** New to the pool each, and asked while another holds the writer's place. */
const READS: readonly (readonly [sql: string, first: unknown])[] = [
  ["select count(*) as n from t", { n: 1 }],
  ["select max(a) as n, abs(-1) as one from t", { n: 1, one: 1 }],
  ["values (7)", { column1: 7 }],
  ["pragma journal_mode", { journal_mode: expect.any(String) }],
  ["with x as (select a from t) select max(a) as n from x", { n: 1 }],
  [
    "with recursive x(i) as (values (1) union all select i + 1 from x where i < 3) select sum(i) as s from x",
    { s: 6 },
  ],
  ["-- a comment\nselect (select count(*) from t) as n", { n: 1 }],
  [";select coalesce(null, 5) as n", { n: 5 }],
  ["select * from pragma_table_info('t') limit 0", undefined],
  ["pragma user_version", { user_version: 0 }],
  ["select json_extract('{\"a\":1}', '$.a') as a", { a: 1 }],
];

const SOME = [
  "pragma table_info(t)",
  "explain insert into t values (2)",
  "explain query plan select * from t where a = 1",
];

describeEach(FILE_TARGETS, (target) => {
  test.each(["runQuery", "runStream"] as const)(
    "%s inside of a writing interaction is answered from beside it",
    (verb) =>
      withPool(target, { min: 2, max: 2, acquireTimeoutMillis: 5_000 }, async (pool) => {
        await untilOpen(pool, 2);
        await pool.runOperation("create table t (a int)");
        await pool.runOperation("insert into t values (1)");
        const ask = async (sql: string) => {
          if (verb === "runQuery") return pool.runQuery(sql);
          const rows: unknown[] = [];
          for await (const row of pool.runStream(sql)) rows.push(row);
          return rows;
        };
        await pool.runInteraction(async (t) => {
          await t.runOperation("insert into t values (2)");
          for (const [sql, first] of READS) expect((await ask(sql))[0], sql).toEqual(first);
          for (const sql of SOME) expect((await ask(sql)).length, sql).toBeGreaterThan(0);
          await expect(ask("select nothing from nowhere")).rejects.toMatchObject({
            name: "ProgrammingError",
          });
        });
      }),
  );

  test.each([
    "with x as (select 5 as v) insert into t select v from x",
    "with x(v) as (values (5)) replace into t select v from x returning a",
    "pragma user_version = 5",
    "insert into t values (5)",
  ])("%s waits for its turn, and runs once", (sql) =>
    withPool(target, { min: 2, max: 2 }, async (pool) => {
      await pool.runOperation("create table t (a int)");
      let fired = false;
      let waiting: PromiseLike<unknown> | undefined;
      await pool.runInteraction(async (t) => {
        await t.runOperation("insert into t values (1)");
        waiting = pool.runQuery(sql).then(() => {
          fired = true;
        });
        for (let round = 0; round < 5; round++) await pool.runQuery(`select ${round}`);
        expect(fired).toBe(false);
      });
      await waiting;
      const [row] = await pool.runQuery(
        "select (select count(*) from t where a = 5) as n, user_version as v from pragma_user_version",
      );
      expect(row).toEqual(sql.startsWith("pragma") ? { n: 0, v: 5 } : { n: 1, v: 0 });
    }),
  );

  test("one that was given back unrun can be withdrawn, and is told why it waits for too long", () =>
    withPool(target, { min: 2, max: 2, acquireTimeoutMillis: 4_000 }, async (pool) => {
      await untilOpen(pool, 2);
      await pool.runOperation("create table t (a int)");
      await pool.runInteraction(async (t) => {
        await t.runOperation("insert into t values (1)");
        const abort = new AbortController();
        const left = pool.runOperation("pragma user_version = 5", [], { signal: abort.signal });
        const late = pool.runOperation("pragma user_version = 6");
        await pool.runQuery("select 1");
        await pool.runQuery("select 2");
        abort.abort(new Error("enough"));
        await expect(left).rejects.toMatchObject({ name: "CancelledError", outcome: "not sent" });
        await expect(late).rejects.toBeInstanceOf(PoolTimeout);
        await expect(late).rejects.toThrow("single writer at a time");
      });
      expect(await pool.runQuery("pragma user_version")).toEqual([{ user_version: 0 }]);
    }));

  test("many of a new text that come at once are all answered", () =>
    withPool(target, { min: 2, max: 2 }, async (pool) => {
      await pool.runOperation("create table t (a int)");
      const asked = Array.from({ length: 300 }, () => pool.runQuery("select count(*) as n from t"));
      for (const rows of await Promise.all(asked)) expect(rows).toEqual([{ n: 0 }]);
    }));
});

for (const driver of sqliteDrivers) {
  test(`${driver.name}: executeRead runs what can write nothing, and nothing else`, async () => {
    const test = await ThreadTester.open(driver);
    const read = (sql: string) => test.connection.executeRead!(test.statement(sql));
    await test.execute("create table t (a int)");
    expect(await read("insert into t values (1)")).toBeUndefined();
    expect(await read("with x as (select 1) insert into t select * from x")).toBeUndefined();
    expect(await read("pragma user_version = 3")).toBeUndefined();
    expect(await read("select count(*) as n from t")).toMatchObject({ rows: [{ n: 0 }], readOnly: true });
    expect(await read("explain delete from t")).toMatchObject({ readOnly: true });
    await expect(read("select * from nowhere")).rejects.toThrow("no such table");
    expect(test.connection.state).toBe("idle");
  });
}
