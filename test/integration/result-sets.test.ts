/**
 * A statement that gives several result sets: its rows are those of the first, whichever way they are asked for, and
 * the session goes on.
 */
import { ConnectionPool, DataError, type StatementOptions } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

const LARGE = 9_007_199_254_740_993n; // 2^53 + 1

/** Each way that rows come, as a function from a statement to them. */
const WAYS: Record<
  string,
  (pool: ConnectionPool, sql: string, params: unknown[], options: StatementOptions) => Promise<unknown[]>
> = {
  runQuery: async (pool, sql, params, options) => pool.runQuery(sql, params, options),
  "runQuery in an interaction": async (pool, sql, params, options) =>
    pool.runInteraction((transaction) => transaction.runQuery(sql, params, options)),
  runStream: async (pool, sql, params, options) => rowsOf(pool.runStream(sql, params, options)),
  "runStream in an interaction": async (pool, sql, params, options) =>
    pool.runInteraction((transaction) => rowsOf(transaction.runStream(sql, params, options))),
  "a cursor": async (pool, sql, params) =>
    pool.runInteraction(async (cursor) => (await cursor.execute(sql, params)).fetchAll()),
};

async function rowsOf(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of stream) rows.push(row);
  return rows;
}

describeEach(
  TARGETS.filter(({ server }) => server === "mysql" || server === "mariadb"),
  (target) => {
    const withProcedures = (use: (pool: ConnectionPool) => Promise<void>) =>
      withPool(target, { min: 0, max: 1, int64: "bigint" }, async (pool) => {
        await pool.runOperation("create table seen (n int)");
        for (const sql of [
          `create procedure two() begin select ${LARGE} as id, 'bond' as name; select 'total' as label, 2 as n, 0 as more; end`,
          "create procedure three(n bigint) begin insert into seen values (n); select n as id, 'x' as name where false; select n as n, 'y' as a; select n as z; end",
          "create procedure differing(n int) begin if n = 1 then select n as a; else select 'q' as b, n + 9007199254740990 as c; end if; select n as d; end",
          "create procedure many() begin declare i int default 0; while i < 3000 do select i as n; set i = i + 1; end while; end",
          "create procedure wide() begin with recursive s(n) as (select 1 union all select n + 1 from s where n < 1000) select cast(n as char) as first, repeat('x', 2000) as pad from s; with recursive s(n) as (select 1 union all select n + 1 from s where n < 1000) select repeat('y', 2000) as other, n from s; end",
          "create procedure fails() begin select 1 as a; signal sqlstate '45000' set message_text = 'no'; end",
          "create procedure none(n int) begin insert into seen values (n); end",
        ])
          await pool.runOperation(sql);
        await use(pool);
      });

    test.each(Object.entries(WAYS))("%s: rows of the first set, under its names", (way, run) =>
      withProcedures(async (pool) => {
        const all = (sql: string, params: unknown[] = [], options: StatementOptions = {}) =>
          run(pool, sql, params, options);
        for (let again = 0; again < 3; again++) {
          expect(await all("call two()")).toEqual([{ id: LARGE, name: "bond" }]);
          // An empty set is a set.
          expect(await all("call three(?)", [5])).toEqual([]);
          expect(await all("call three(5)")).toEqual([]);
          for (const n of [1, 2, 1]) {
            const expected = n === 1 ? { a: 1 } : { b: "q", c: 9_007_199_254_740_992n };
            expect(await all("call differing(?)", [n])).toEqual([expected]);
          }
        }
        if (way !== "a cursor") {
          expect(await all("call two()", [], { rowMode: "array" })).toEqual([[LARGE, "bond"]]);
          expect(await all("call differing(?)", [2], { rowMode: "array" })).toEqual([
            ["q", 9_007_199_254_740_992n],
          ]);
        }
        const wide = (await all("call wide()")) as { first: string; pad: string }[];
        expect(wide).toHaveLength(1000);
        expect(wide.every(({ first, pad }, at) => first === `${at + 1}` && pad.startsWith("x"))).toBe(true);
        expect(await all("call many()")).toEqual([{ n: 0 }]);
        await expect(all("call fails()")).rejects.toMatchObject({
          name: "DatabaseError",
          message: expect.stringContaining("no"),
        });
        expect(await all("call none(?)", [7])).toEqual([]);
        expect(await pool.runQuery("select count(*) as n from seen where n = 7")).toEqual([{ n: 1n }]);
        expect(pool.stats.losses).toBe(0);
      }),
    );

    test.each(Object.entries(WAYS))(
      "%s: what cannot be read in a later set fails nothing",
      async (_way, run) => {
        await using database = await target.createDatabase();
        const args = target.readWith!(database.connectArgs, (value) => {
          if (String(value) === "bad") throw new Error("not to be read");
          return value;
        });
        for (const [connectArgs, value] of [
          [database.connectArgs, LARGE],
          [args, "'bad'"],
        ]) {
          await using pool = new ConnectionPool(target.name, connectArgs as never, {
            max: 1,
            int64: "number",
          });
          await pool.runOperation("drop procedure if exists later");
          await pool.runOperation(
            `create procedure later(n int) begin do 1; select n as a; select ${value} as b; select 3 as c, ${value} as d; end`,
          );
          expect(await run(pool, "call later(1)", [], {})).toEqual([{ a: 1 }]);
          expect(await run(pool, "call later(?)", [2], {})).toEqual([{ a: 2 }]);
          await pool.runOperation("drop procedure later");
          await pool.runOperation(`create procedure later() begin select ${value} as a; select 1 as b; end`);
          await expect(run(pool, "call later()", [], {})).rejects.toBeInstanceOf(DataError);
          expect(await run(pool, "select 3 as c", [], {})).toEqual([{ c: 3 }]);
          expect(pool.stats.losses).toBe(0);
        }
      },
    );

    test("a stream that is left after the first row: the session goes on", () =>
      withProcedures(async (pool) => {
        for (const sql of ["call wide()", "call many()", "call two()"]) {
          for await (const _ of pool.runStream(sql)) break;
          expect(await pool.runQuery("select 1 as one")).toEqual([{ one: 1 }]);
        }
      }));
  },
);
