/** The pool's `int64`: one policy for integers of 64 bits, on every driver and on every way that rows come. */
import {
  type ConnectionPool,
  DataError,
  InterfaceError,
  ConnectionPool as Pool,
  type StatementOptions,
} from "adbapi";
import { describe, expect, test } from "vitest";
import { describeEach, TARGETS, type Target, withPool } from "../support/targets.js";

const SMALL = 7n;
const LARGE = 9_007_199_254_740_993n; // 2^53 + 1: the first that a number cannot hold
const NEGATIVE = -9_223_372_036_854_775_808n;

/** The table has one row for each. */
async function withIntegers(
  target: Target,
  int64: "driver" | "bigint" | "string" | "number",
  use: (pool: ConnectionPool) => Promise<void>,
): Promise<void> {
  await withPool(target, { int64, max: 2 }, async (pool) => {
    await pool.runOperation(`create table t (n integer primary key, big ${target.types.bigint})`);
    const values = [SMALL, LARGE, NEGATIVE, null].map((big, n) => `(${n}, ${big})`).join(", ");
    await pool.runOperation(`insert into t values ${values}`);
    await use(pool);
  });
}

/** Each way that rows come, as a function from the condition on rows to the values of `big`. */
function ways(target: Target, pool: ConnectionPool): Record<string, (where: string) => Promise<unknown[]>> {
  const plain = (where: string) => `select big from t where ${where} order by n`;
  const bound = (where: string) => `${plain(`${where} and n >= ${target.placeholder(1)}`)}`;
  const array = { rowMode: "array" } as const;
  const streamed = async (sql: string, params: unknown[], options: StatementOptions) => {
    const all: unknown[] = [];
    for await (const row of pool.runStream(sql, params, options)) all.push(...Object.values(row as object));
    return all;
  };
  return {
    plain: async (where) => (await pool.runQuery(plain(where))).map(({ big }) => big),
    "with params": async (where) => (await pool.runQuery(bound(where), [0])).map(({ big }) => big),
    "in arrays": async (where) => (await pool.runQuery(plain(where), [], array)).flat(),
    "in arrays, with params": async (where) => (await pool.runQuery(bound(where), [0], array)).flat(),
    streamed: (where) => streamed(plain(where), [], {}),
    "streamed with params": (where) => streamed(bound(where), [0], {}),
    "streamed in arrays": (where) => streamed(bound(where), [0], array),
    "in a transaction": async (where) => {
      const rows = await pool.runInteraction((transaction) => transaction.runQuery(bound(where), [0]));
      return rows.map(({ big }) => big);
    },
  };
}

const ALL = "n < 9";

describeEach(TARGETS, (target) => {
  describe("bigint", () => {
    test("all of them, however small, are bigints", async () => {
      await withIntegers(target, "bigint", async (pool) => {
        for (const [way, read] of Object.entries(ways(target, pool))) {
          expect(await read(ALL), way).toEqual([SMALL, LARGE, NEGATIVE, null]);
        }
      });
    });
  });

  describe("string", () => {
    test("all of them are strings", async () => {
      await withIntegers(target, "string", async (pool) => {
        for (const [way, read] of Object.entries(ways(target, pool))) {
          expect(await read(ALL), way).toEqual([`${SMALL}`, `${LARGE}`, `${NEGATIVE}`, null]);
        }
      });
    });
  });

  describe("driver", () => {
    test("the driver's own form, exact", async () => {
      await withIntegers(target, "driver", async (pool) => {
        for (const [way, read] of Object.entries(ways(target, pool))) {
          const [small, large, negative, nothing] = await read(ALL);
          expect(
            [small, large, negative].map((value) => BigInt(value as string)),
            way,
          ).toEqual([SMALL, LARGE, NEGATIVE]);
          expect(typeof large, way).toBe(target.exactInteger);
          expect(typeof small, way).toBe(target.smallInteger);
          expect(nothing, way).toBe(null);
        }
      });
    });
  });

  describe("number", () => {
    test("those that a number holds are numbers", async () => {
      await withIntegers(target, "number", async (pool) => {
        for (const [way, read] of Object.entries(ways(target, pool))) {
          expect(await read("(n = 0 or n = 3)"), way).toEqual([Number(SMALL), null]);
        }
      });
    });

    test("one that would be rounded is a DataError, and the connection goes on", async () => {
      await withIntegers(target, "number", async (pool) => {
        for (const [way, read] of Object.entries(ways(target, pool))) {
          for (const n of [1, 2]) await expect(read(`n = ${n}`), way).rejects.toThrow(DataError);
          expect(await read("n = 0"), way).toEqual([Number(SMALL)]);
        }
        expect(pool.stats.losses).toBe(0);
      });
    });

    test("it harms none of those that were sent along with it", async () => {
      await withIntegers(target, "number", async (pool) => {
        const sql = (n: number) => `select big from t where n = ${n} or n = 99`;
        const answers = await Promise.allSettled(
          Array.from({ length: 40 }, (_, index) => pool.runQuery(sql(index % 2))),
        );
        expect(answers.map(({ status }) => status)).toEqual(
          Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? "fulfilled" : "rejected")),
        );
      });
    });
  });

  test("other integers and numbers stay numbers", async () => {
    for (const int64 of ["string", "bigint"] as const) {
      await withPool(target, { int64 }, async (pool) => {
        await pool.runOperation(`create table t (f ${target.types.double}, s ${target.types.text})`);
        await pool.runOperation("insert into t values (0.5, '12')");
        expect(await pool.runQuery("select f, s from t")).toEqual([{ f: 0.5, s: "12" }]);
      });
    }
  });

  test("anything else is refused", async () => {
    await using database = await target.createDatabase();
    const make = () => new Pool(target.name, database.connectArgs, { int64: "decimal" as never });
    expect(make).toThrow(InterfaceError);
    expect(make).toThrow("int64");
  });
});

describeEach(
  TARGETS.filter(({ paramstyle }) => paramstyle === "numeric"),
  (target) => {
    const SQL = `select array[[1, ${LARGE}], [null, 2]]::int8[] as a`;

    test.each([
      ["bigint", [1n, LARGE, null, 2n]],
      ["string", ["1", `${LARGE}`, null, "2"]],
    ] as const)("arrays of int8 as %s", async (int64, values) => {
      await withPool(target, { int64 }, async (pool) => {
        const [row] = await pool.runQuery<{ a: unknown[][] }>(SQL);
        expect(row?.a.flat()).toEqual(values);
      });
    });

    test("arrays of int8 as numbers, where they can be", async () => {
      await withPool(target, { int64: "number" }, async (pool) => {
        expect(await pool.runQuery("select array[1, 2]::int8[] as a")).toEqual([{ a: [1, 2] }]);
        await expect(pool.runQuery(SQL)).rejects.toThrow(DataError);
        expect(await pool.runQuery("select 1 as one")).toEqual([{ one: 1 }]);
      });
    });
  },
);
