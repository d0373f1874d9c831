/**
 * B45: whole numbers and bigints are bound as integers, whichever way a statement goes: arithmetic is exact, and text
 * gets the digits as written.
 */
import type { ConnectionPool, Params, Transaction } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type Target, withPool } from "../support/targets.js";

const LARGE = 9_007_199_254_740_993n; // 2^53 + 1

/** Each way that a statement of one param goes, as a function that runs it. */
const WAYS: Record<string, (pool: ConnectionPool, sql: string, params: Params) => Promise<unknown>> = {
  runOperation: async (pool, sql, params) => pool.runOperation(sql, params),
  "runQuery in arrays": async (pool, sql, params) => pool.runQuery(sql, params, { rowMode: "array" }),
  runStream: async (pool, sql, params) => {
    for await (const _ of pool.runStream(sql, params));
  },
  runInteraction: async (pool, sql, params) => pool.runInteraction((t) => t.runOperation(sql, params)),
  "a savepoint": async (pool, sql, params) =>
    pool.runInteraction((t) => t.runInteraction((inner: Transaction) => inner.runOperation(sql, params))),
  "a cursor of runWithConnection": async (pool, sql, params) =>
    pool.runWithConnection(async (connection) => {
      await connection.cursor().execute(sql, params);
    }),
  "executeMany of one": async (pool, sql, params) => pool.runInteraction((t) => t.executeMany(sql, [params])),
};

async function withNumbers(target: Target, use: (pool: ConnectionPool) => Promise<void>): Promise<void> {
  await withPool(target, { int64: "bigint", min: 0, max: 1 }, async (pool) => {
    const { bigint, text } = target.types;
    await pool.runOperation(`create table numbers (id integer primary key, b ${bigint}, v ${text})`);
    await pool.runOperation(`insert into numbers values (1, ${LARGE}, '')`);
    await use(pool);
  });
}

const one = async (pool: ConnectionPool, column: string): Promise<unknown> => {
  const [row] = await pool.runQuery(`select ${column} as x from numbers where id = 1`);
  return row!.x;
};

const ADDED = [2, 2n, 3_000_000_000, 2 ** 53, -0, -7, LARGE];
const WRITTEN = [5, 4_111_111_111_111_111, 1_764_519_762_000, 12n, 4_111_111_111_111_111n];

describeEach(TARGETS, (target) => {
  test.each(Object.entries(WAYS))("B45 %s: sums are exact, text has the digits", (_, run) =>
    withNumbers(target, async (pool) => {
      let sum = LARGE;
      for (const param of ADDED) {
        await run(pool, target.sql("update numbers set b = b + ?"), [param]);
        sum += BigInt(param);
        expect(await one(pool, "b"), `${typeof param} ${param}`).toBe(sum);
      }
      for (const param of WRITTEN) {
        await run(pool, target.sql("update numbers set v = ?"), [param]);
        expect(await one(pool, "v")).toBe(String(param));
      }
    }),
  );

  test("B45 in lots of params, beside NULL, decimals, booleans' numbers and one another", () =>
    withNumbers(target, async (pool) => {
      const values = [
        4_111_111_111_111_111,
        null,
        LARGE,
        1,
        -1n,
        2 ** 53,
        -(2 ** 31),
        2 ** 31 - 1,
        2 ** 31,
        null,
      ];
      const rows = values.map((value, n) => [n + 2, value, value === null ? null : String(value)]);
      await pool.runInteraction((t) =>
        t.executeMany(target.sql("insert into numbers values (?, ?, ?)"), rows),
      );
      const stored = await pool.runQuery("select b, v from numbers where id > 1 order by id");
      expect(stored).toEqual(
        values.map((v) => ({ b: v === null ? null : BigInt(v), v: v === null ? null : String(v) })),
      );
    }));
});

describeEach(
  TARGETS.filter(({ server }) => server === "mysql" || server === "mariadb"),
  (target) => {
    const MOST = 2n ** 64n - 1n;

    /** Each value has been bound to the statement before, as another type. */
    const values: [unknown, string][] = [
      [1, "1"],
      [0.5, "0.5"],
      [4_111_111_111_111_111, "4111111111111111"],
      ["text", "text"],
      [MOST, "18446744073709551615"],
      [null, "nothing"],
      [-(2n ** 63n), "-9223372036854775808"],
      [2 ** 63, "9223372036854775808"],
      [-(2 ** 63), "-9223372036854775808"],
      [true, "1"],
      [-0, "0"],
      [2 ** 31, "2147483648"],
      [1n, "1"],
    ];

    test("B45 a statement that is run again with a param of another type", () =>
      withPool(target, { max: 1, min: 0 }, async (pool) => {
        for (const [value, text] of [...values, ...values.toReversed()]) {
          const rows = await pool.runQuery("select coalesce(concat(?), 'nothing') as v", [value]);
          expect(rows, `${typeof value} ${value}`).toEqual([{ v: text }]);
        }
      }));

    test.each(["insert", "replace"])("B45 %s keeps every digit of 64 bits, also in lots", (verb) =>
      withPool(target, { max: 1, min: 0, int64: "bigint" }, async (pool) => {
        await pool.runOperation(
          "create table wide (id int primary key, u bigint unsigned, d decimal(38, 10), v varchar(40), j json)",
        );
        const values = [MOST, 2n ** 63n, 7, 2 ** 60, 0n, 2 ** 63, null, 4_111_111_111_111_111];
        const rows = values.map((value, id) => [id, value, value, value, value]);
        await pool.runInteraction((t) => t.executeMany(`${verb} into wide values (?, ?, ?, ?, ?)`, rows));
        const digits = values.map((value) => (value === null ? null : String(BigInt(value))));
        const sql =
          "select cast(u as char) as u, v, cast(j as char) as j, cast(d as char) as d from wide order by id";
        expect(await pool.runQuery(sql)).toEqual(
          digits.map((v) => ({ u: v, v, j: v, d: v === null ? null : `${v}.0000000000` })),
        );
      }),
    );

    test("B45 exact with DECIMAL and BIGINT UNSIGNED, and back again", () =>
      withPool(target, { max: 1, min: 0, int64: "bigint" }, async (pool) => {
        const add = "select cast(12345678901234567890.1234567891 as decimal(38,10)) + ? as v";
        for (const param of [1, 1n]) {
          expect(await pool.runQuery(add, [param])).toEqual([{ v: "12345678901234567891.1234567891" }]);
        }
        expect(await pool.runQuery("select ? as v", [MOST])).toEqual([{ v: MOST }]);
        expect(await pool.runQuery("select ? - 1 as v", [MOST])).toEqual([{ v: MOST - 1n }]);
        const streamed = [];
        for await (const row of pool.runStream("select ? as v, ? as w", [MOST, 2 ** 53])) streamed.push(row);
        expect(streamed).toEqual([{ v: MOST, w: 2n ** 53n }]);
        expect(await pool.runQuery("select 1 as v union all select 2 limit ?", [MOST])).toHaveLength(2);
      }));

    test("B45 a number beyond 64 bits is a double, as in JavaScript", () =>
      withPool(target, { max: 1, min: 0 }, async (pool) => {
        for (const value of [1e20, -1e19, 2 ** 64, 1e300]) {
          expect(await pool.runQuery("select ? as v", [value])).toEqual([{ v: value }]);
        }
      }));
  },
);
