/**
 * Values of PostgreSQL that its package would change, or hand on as text: what comes back, on every way that rows come.
 */
import { type ConnectionPool, DataError, InterfaceError } from "adbapi";
import pg from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { pgTarget } from "../../support/postgres-target.js";
import { describeEach, withPool } from "../../support/targets.js";

const EXACT = "12345678901234567890.12";

/** Each way that rows come, as a function from a query to the values of its column `v`. */
function ways(pool: ConnectionPool): Record<string, (sql: string) => Promise<unknown[]>> {
  const streamed = async (rows: AsyncIterable<unknown>) => {
    const all: unknown[] = [];
    for await (const row of rows) all.push((row as { v: unknown }).v);
    return all;
  };
  const values = (rows: readonly unknown[]) => rows.map((row) => (row as { v: unknown }).v);
  return {
    "simple text": async (sql) => values(await pool.runQuery(sql)),
    "with params": async (sql) => values(await pool.runQuery(`${sql} offset $1`, [0])),
    "in arrays": async (sql) => (await pool.runQuery(sql, [], { rowMode: "array" })).flat(),
    streamed: (sql) => streamed(pool.runStream(sql)),
    "in a transaction": async (sql) =>
      pool.runInteraction(async (transaction) => values(await transaction.runQuery(sql))),
    "streamed in a transaction": async (sql) =>
      pool.runInteraction((transaction) => streamed(transaction.runStream(sql))),
    "under a name": async (sql) => {
      for (let n = 0; n < 4; n++) await pool.runQuery(sql);
      return values(await pool.runQuery(sql));
    },
    "beside others": async (sql) => {
      const all = await Promise.all([pool.runQuery(sql), pool.runQuery(sql), pool.runQuery(sql)]);
      expect(all[1]).toEqual(all[0]);
      expect(all[2]).toEqual(all[0]);
      return values(all[0]!);
    },
  };
}

async function eachWay(pool: ConnectionPool, sql: string, values: unknown[]): Promise<void> {
  for (const [way, read] of Object.entries(ways(pool)))
    expect(await read(sql), `${way}: ${sql}`).toEqual(values);
}

const TYPES = [
  "create domain price as numeric check (value >= 0)",
  "create domain discount as price",
  "create domain counter as int8",
  "create domain prices as numeric[]",
  "create domain flags as bool",
  "create type mood as enum ('sad', 'so, so', 'NULL', 'a \"quoted\" \\ one')",
  "create type pair as (a int, b text)",
  "create type spread as range (subtype = numeric)",
];

async function withTypes(
  options: { int64?: "bigint" | "number" },
  use: (pool: ConnectionPool) => Promise<void>,
): Promise<void> {
  await withPool(pgTarget, { max: 2, ...options }, async (pool) => {
    for (const sql of TYPES) await pool.runOperation(sql);
    await use(pool);
  });
}

describeEach([pgTarget], () => {
  test.each([
    [`array[${EXACT}, 1.50, null]::numeric[]`, [EXACT, "1.50", null]],
    [
      "array[[1.10, 2], [null, 4.00]]::numeric[]",
      [
        ["1.10", "2"],
        [null, "4.00"],
      ],
    ],
    ["'[0:1]={0.10,NaN}'::numeric[]", ["0.10", "NaN"]],
    ["'{}'::numeric[]", []],
    ["array['Infinity', '-Infinity']::numeric[]", ["Infinity", "-Infinity"]],
    ["null::numeric[]", null],
    [`array[${EXACT}, 1.50]::prices`, [EXACT, "1.50"]],
    [`array[${EXACT}]::price[]`, [EXACT]],
    [`array[${EXACT}, null]::discount[]`, [EXACT, null]],
    ["array[array[1.10, 2]::prices, array[]::numeric[]::prices]", [["1.10", "2"], []]],
    [`numrange(1.10, ${EXACT})`, `[1.10,${EXACT})`],
    [`array[numrange(1.10, ${EXACT})]`, [`[1.10,${EXACT})`]],
    [`nummultirange(numrange(1.10, ${EXACT}))`, `{[1.10,${EXACT})}`],
    [`array[spread(1.10, ${EXACT})]`, [`[1.10,${EXACT})`]],
  ])("numeric is exact text: %s", async (expression, value) => {
    await withTypes({}, (pool) => eachWay(pool, `select ${expression} as v`, [value]));
  });

  test.each([
    [
      "array['sad', 'so, so', 'NULL', null, 'a \"quoted\" \\ one']::mood[]",
      ["sad", "so, so", "NULL", null, 'a "quoted" \\ one'],
    ],
    ["'{}'::mood[]", []],
    ["array[['sad'], ['so, so']]::mood[]", [["sad"], ["so, so"]]],
    ["array[row(1, 'x,\"y')::pair, null]", ['(1,"x,""y")', null]],
    ["array[true, null]::flags[]", [true, null]],
    ["'sad'::mood", "sad"],
    ["row(1, '{x}')::pair", "(1,{x})"],
  ])("arrays of what users have made are arrays: %s", async (expression, value) => {
    await withTypes({}, (pool) => eachWay(pool, `select ${expression} as v`, [value]));
  });

  test.each([
    ["array[1, 9007199254740993, null]::counter[]", [1n, 9007199254740993n, null]],
    ["array[[1], [2]]::counter[]", [[1n], [2n]]],
    ["5::counter", 5n],
  ])("int64 reaches domains: %s", async (expression, value) => {
    await withTypes({ int64: "bigint" }, (pool) => eachWay(pool, `select ${expression} as v`, [value]));
  });

  test("int64 number refuses in an array of a domain what it would round", async () => {
    await withTypes({ int64: "number" }, async (pool) => {
      expect(await pool.runQuery("select array[1]::counter[] as v")).toEqual([{ v: [1] }]);
      const rounded = pool.runQuery("select array[9007199254740993]::counter[] as v");
      await expect(rounded).rejects.toThrow(DataError);
      expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
    });
  });

  test("a long stream of them, and one that is left", async () => {
    await withTypes({}, async (pool) => {
      const sql = "select i, array['sad']::mood[] as v from generate_series(1, 600) i";
      let count = 0;
      for await (const { v } of pool.runStream<{ v: unknown }>(sql)) {
        expect(v).toEqual(["sad"]);
        count++;
      }
      expect(count).toBe(600);
      for await (const { v } of pool.runStream<{ v: unknown }>(sql)) {
        expect(v).toEqual(["sad"]);
        break;
      }
    });
  });

  test("text is left alone that only looks like an array", async () => {
    await withTypes({}, async (pool) => {
      await pool.runOperation("create domain note as text");
      await pool.runOperation("create type wrapped as (t text)");
      await eachWay(pool, "select '{a,b}'::note as v", ["{a,b}"]);
      await eachWay(pool, "select '{a,b}'::text as v", ["{a,b}"]);
      expect(await pool.runQuery("select array['sad']::mood[] as v, '{x}'::text as v")).toEqual([
        { v: "{x}" },
      ]);
      expect(await pool.runQuery("select '{x}'::text as v, array['sad']::mood[] as v")).toEqual([
        { v: ["sad"] },
      ]);
    });
  });

  test("a parser of the user's own goes first", async () => {
    await using database = await pgTarget.createDatabase();
    const { ConnectionPool } = await import("adbapi");
    const types = {
      getTypeParser: (oid: number, format?: never) =>
        oid === 1231 ? (text: string) => `mine ${text}` : pg.types.getTypeParser(oid, format),
    };
    await using pool = new ConnectionPool("pg", { connectionString: database.connectArgs, types } as never);
    expect(await pool.runQuery("select array[1.50]::numeric[] as v")).toEqual([{ v: "mine {1.50}" }]);
    const raw = { getTypeParser: () => (text: string) => text };
    await using plain = new ConnectionPool("pg", {
      connectionString: database.connectArgs,
      types: raw,
    } as never);
    expect(await plain.runQuery("select array[1.50]::numeric[] as v")).toEqual([{ v: "{1.50}" }]);
  });

  describe("an empty array", () => {
    const refused = { name: "InterfaceError", message: expect.stringContaining("JSON.stringify") };

    test.each(["json", "jsonb", "document"])(
      "for %s is refused, in every verb, and nothing is stored",
      async (type) => {
        await withPool(pgTarget, { max: 1 }, async (pool, database) => {
          await pool.runOperation("create domain document as jsonb");
          await pool.runOperation(`create table t (n int, v ${type})`);
          const sql = "insert into t (n, v) values ($1, $2)";
          await expect(pool.runOperation(sql, [1, []])).rejects.toMatchObject(refused);
          await expect(pool.runQuery(`${sql} returning v`, [1, []])).rejects.toMatchObject(refused);
          const custom = { toPostgres: () => [] };
          await expect(pool.runOperation(sql, [1, custom])).rejects.toMatchObject(refused);
          await expect(pool.runStream(`${sql} returning v`, [1, []]).next()).rejects.toMatchObject(refused);
          await expect(pool.runInteraction((t) => t.runOperation(sql, [1, []]))).rejects.toMatchObject(
            refused,
          );
          const many = pool.runInteraction((t) =>
            t.executeMany(sql, [
              [1, "[1]"],
              [2, []],
            ]),
          );
          await expect(many).rejects.toMatchObject(refused);
          const spared = pool.runInteraction(async (transaction) => {
            await transaction.runOperation(sql, [1, []]).catch(() => {});
            await transaction.runOperation(sql, [2, JSON.stringify([])]);
          });
          await spared;
          expect(await database.observe("select n, v::text as v from t")).toEqual([{ n: 2, v: "[]" }]);
        });
      },
    );

    test("for an array is one", async () => {
      await withPool(pgTarget, { max: 1 }, async (pool) => {
        await pool.runOperation("create table t (n int, v int[], j jsonb[], x text)");
        const sql = "insert into t (v, j, x) values ($1, $2, $3)";
        await pool.runOperation(sql, [[], [], "x"]);
        await pool.runInteraction((t) =>
          t.executeMany(sql, [
            [[], [], "y"],
            [[1], [{ a: 1 }], "z"],
          ]),
        );
        expect(await pool.runQuery("select v, j from t order by x")).toEqual([
          { v: [], j: [] },
          { v: [], j: [] },
          { v: [1], j: [{ a: 1 }] },
        ]);
        expect(await pool.runQuery("select 1 as one where 1 = any($1)", [[]])).toEqual([]);
        await expect(pool.runQuery("select nothing($1)", [[]])).rejects.toMatchObject({ code: "42883" });
      });
    });

    test("a full one for json fails with the same advice", async () => {
      await withPool(pgTarget, { max: 1 }, async (pool) => {
        const failing = pool.runQuery("select $1::jsonb as v", [[1, 2]]);
        await expect(failing).rejects.toMatchObject({
          name: "DataError",
          message: expect.stringContaining("JSON.stringify"),
        });
        await expect(pool.runQuery("select $1::jsonb as v", ["{"])).rejects.toMatchObject({
          message: expect.not.stringContaining("JSON.stringify"),
        });
      });
    });
  });

  describe("a Date before its zone had whole minutes", () => {
    const zone = process.env.TZ;
    const utc = pg.defaults.parseInputDatesAsUTC;
    afterEach(() => {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
      pg.defaults.parseInputDatesAsUTC = utc;
    });

    test.each([
      "Asia/Kolkata",
      "Europe/Amsterdam",
      "Africa/Monrovia",
      "America/New_York",
      "Africa/Accra",
      "UTC",
    ])("arrives as the moment that it is: %s", async (name) => {
      await withPool(pgTarget, { max: 1 }, async (pool) => {
        for (const utcInput of [false, true]) {
          pg.defaults.parseInputDatesAsUTC = utcInput;
          process.env.TZ = name;
          for (const moment of [
            "1850-01-02T03:04:05.678Z",
            "1904-05-06T07:08:09Z",
            "1960-06-07T08:09:10.001Z",
            "-000043-03-15T11:59:59Z",
          ]) {
            const sent = new Date(moment);
            const text = "extract(epoch from $1::timestamptz)::numeric * 1000 = $2::numeric as same";
            const list = "extract(epoch from ($3::timestamptz[])[1])::numeric * 1000 = $2::numeric as listed";
            const rows = await pool.runQuery(`select ${text}, ${list}`, [sent, sent.getTime(), [sent]]);
            expect(rows, `${moment}, as UTC: ${utcInput}`).toEqual([{ same: true, listed: true }]);
          }
          const [row] = await pool.runQuery("select $1::timestamp::text as clock", [
            new Date("1904-05-06T07:08:09Z"),
          ]);
          const shown = new Date("1904-05-06T07:08:09Z");
          const hours = utcInput ? shown.getUTCHours() : shown.getHours();
          expect((row as { clock: string }).clock).toContain(` ${String(hours).padStart(2, "0")}:`);
        }
      });
    });
  });

  test("what it refuses to bind it refuses by an error of ours", async () => {
    await withPool(pgTarget, { max: 1 }, async (pool) => {
      const thrower = {
        toPostgres: () => {
          throw new Error("no");
        },
      };
      await expect(pool.runQuery("select $1", [thrower])).rejects.toThrow(InterfaceError);
      const circle = { toPostgres: (): unknown => circle };
      await expect(pool.runQuery("select $1", [circle])).rejects.toThrow(InterfaceError);
    });
  });
});
