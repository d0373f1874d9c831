/**
 * Bad and hostile SQL and params, over every driver. Each row is refused in a rejected Deferred, before a connection is
 * taken, or does what it says byte for byte; after each the pool is at rest and works. The params' own rules are in
 * test/unit/params.test.ts.
 */
import { inspect } from "node:util";
import {
  AdbapiError,
  ConnectionPool,
  DataError,
  InterfaceError,
  type Params,
  ProgrammingError,
} from "adbapi";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { describeEach, FILE_TARGETS, TARGETS, type TestDatabase, withPool } from "../support/targets.js";
import { valueFacts } from "./value-facts.js";

describeEach(FILE_TARGETS, (target) => {
  test.each<[string, string, Record<string, unknown>]>([
    ["a name too many", "delete from items where id <> :id", { id: 1, name: "x" }],
    ["a name too few", "delete from items where id <> :id and name <> $name", { id: 1 }],
    ["names for none", "delete from items", { id: 1 }],
    ["names for marks", "delete from items where id <> ?", { id: 1 }],
    ["a name of the prototype's", "delete from items where id <> :toString", {}],
  ])("B7 %s", async (_row, sql, params) => {
    await withPool(target, { min: 0, max: 1 }, async (pool) => {
      await pool.runOperation("create table items (id integer primary key, name text)");
      await pool.runOperation("insert into items values (1, 'one'), (2, 'two')");
      for (const attempt of ["first", "again"]) {
        expect(await failureOf(() => pool.runOperation(sql, params)), attempt).toBeInstanceOf(
          ProgrammingError,
        );
        expect(
          await failureOf(() => pool.runInteraction((t) => t.executeMany(sql, [params]))),
        ).toBeInstanceOf(ProgrammingError);
        expect(await failureOf(() => all(pool.runStream(sql, params)))).toBeInstanceOf(ProgrammingError);
      }
      expect(await pool.runQuery("select id from items")).toHaveLength(2);
      // The right names, in each of their spellings, before and after.
      const named = "select :id + @one + $two as n";
      const values = { id: 1, one: 2, two: 3 };
      expect(await pool.runQuery(named, values)).toEqual([{ n: 6 }]);
      expect(await failureOf(() => pool.runQuery(named, { ...values, three: 4 }))).toBeInstanceOf(
        ProgrammingError,
      );
      expect(await pool.runQuery(named, values)).toEqual([{ n: 6 }]);
    });
  });
});

describeEach(TARGETS, (target) => {
  const facts = valueFacts(target);
  const { echo } = facts;
  let database: TestDatabase;
  let pool: ConnectionPool;
  const answer = async (sql: string, params?: Params) =>
    (await pool.runQuery<{ v: unknown }>(sql, params))[0]!.v;

  beforeAll(async () => {
    database = await target.createDatabase();
    pool = new ConnectionPool(target.name, database.connectArgs, { max: 2 });
    await pool.runOperation("create table items (id integer primary key, name varchar(100) unique)");
    await pool.runOperation("insert into items values (1, 'one'), (2, 'two'), (3, 'three')");
  });

  afterEach(async () => {
    expect(pool.stats).toMatchObject({ inUse: 0, waiting: 0 });
    expect(Number(await answer("select count(*) as v from items"))).toBe(3);
  });

  afterAll(async () => {
    await pool.close();
    await database[Symbol.asyncDispose]();
  });

  /** Every verb refuses it, with a rejected Deferred, and a pool that never ran anything connects for none of them. */
  async function refusedByAll(sql: unknown, params?: unknown): Promise<Error> {
    await using untouched = new ConnectionPool(target.name, database.connectArgs);
    const text = sql as string;
    const values = params as Params;
    let last: unknown;
    for (const ask of [
      () => untouched.runQuery(text, values),
      () => untouched.runOperation(text, values),
      () => all(untouched.runStream(text, values)),
    ]) {
      last = await failureOf(ask);
      expect(last).toBeInstanceOf(InterfaceError);
    }
    expect(untouched.stats).toMatchObject({ size: 0, connecting: 0, inUse: 0, waiting: 0 });
    const inside = await failureOf(() =>
      pool.runInteraction((transaction) => transaction.runQuery(text, values)),
    );
    expect(inside).toBeInstanceOf(InterfaceError);
    return last as Error;
  }

  test.each<[string, unknown]>([
    ["B1 undefined", undefined],
    ["B1 null", null],
    ["B1 a number", 1],
    ["B1 an object", { text: "select 1", sql: "select 1" }],
    ["B1 a function", () => "select 1"],
    ["B1 a Buffer", Buffer.from("select 1")],
    ["B1 a String object", new String("select 1")],
    ["B2 empty", ""],
    ["B2 blank", " \n\t"],
    ["B2 a semicolon", " ; "],
    ["B3 NUL", "select 1 as a \0 , 2"],
    ["B5 a lone surrogate", "select '\ud800' as v"],
  ])("%s as SQL is refused", async (_row, sql) => {
    await refusedByAll(sql);
    await refusedByAll(sql, []);
  });

  test("B2 a comment only is for the server to judge", async () => {
    await settled(pool.runQuery("-- nothing"));
  });

  test.each([[undefined], [[]]])(
    "B4 several statements are refused, none executed (params: %j)",
    async (params) => {
      const failure = await failureOf(() =>
        pool.runOperation("delete from items where id = 1; delete from items where id = 2", params),
      );
      expect(failure).toBeInstanceOf(ProgrammingError);
    },
  );

  test("B6 20 MB of SQL", async () => {
    const text = `select length('${"x".repeat(20_000_000)}') as v`;
    const outcome = await settled(pool.runQuery<{ v: number }>(text));
    if (outcome.status === "fulfilled") expect(Number(outcome.value[0]!.v)).toBe(20_000_000);
    else expect(outcome.reason).toBeInstanceOf(AdbapiError);
  });

  test.each<[string, string, unknown[] | undefined]>([
    ["too few for a query", `select id as v from items where id > ? and id < ?`, [1]],
    ["none for a query", `select id as v from items where id = ?`, []],
    ["none at all", `select id as v from items where id = ?`, undefined],
    ["too many for a query", `select id as v from items where id = ?`, [1, 2]],
    ["too many for DELETE", `delete from items where id <> ?`, [1, 2]],
    ["nine for one", `delete from items where id <> ?`, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["one for none", `delete from items`, [1]],
  ])("B7 %s", async (_row, sql, params) => {
    expect(await failureOf(() => pool.runOperation(target.sql(sql), params))).toBeInstanceOf(
      ProgrammingError,
    );
    expect(
      await failureOf(() => pool.runInteraction((t) => t.runOperation(target.sql(sql), params))),
    ).toBeInstanceOf(ProgrammingError);
  });

  test.each<[string, unknown]>([
    ["B8 a string", "1"],
    ["B8 a number", 1],
    ["B8 null", null],
    ["B8 a Map", new Map()],
    ["B13 a Proxy", new Proxy([1], {})],
  ])("%s for params is refused", async (_row, params) => {
    await refusedByAll(target.sql("select ? as v"), params);
  });

  test.each<[string, unknown]>([
    ["B8 a hole", undefined],
    ["B9 undefined", undefined],
    ["B13 a symbol", Symbol("x")],
    ["B13 a function", () => 1],
    ["B13 a Promise", Promise.resolve(1)],
    ["B13 a Map", new Map()],
    ["B13 a RegExp", /x/],
    ["B13 a Proxy", new Proxy({}, {})],
    ["B5 a lone surrogate", "a\udc00b"],
    ["B15 an invalid Date", new Date(Number.NaN)],
    ["B15 the year 10 000", new Date("+010000-06-01T00:00:00Z")],
    ["B22 a SharedArrayBuffer", new SharedArrayBuffer(8)],
    ["B22 a view of one", new Uint8Array(new SharedArrayBuffer(8))],
  ])("%s as a param is refused, naming the position", async (row, value) => {
    const params = ["x", value];
    if (row.includes("hole")) delete params[1];
    const error = await refusedByAll(target.sql("select ? as v, ? as w"), params);
    expect(error.message).toContain("param 2");
  });

  test("B10 NaN and Infinity", async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      if (facts.hasNaN) expect(await answer(echo("float"), [value])).toBe(value);
      else await refusedByAll(echo("float"), [value]);
    }
  });

  test("B11 bigints: 64 bits are exact, more is a DataError, where no type takes it", async () => {
    expect(BigInt((await answer(echo("integer"), [2n ** 63n - 1n])) as string)).toBe(2n ** 63n - 1n);
    expect(BigInt((await answer(echo("integer"), [-(2n ** 63n)])) as string)).toBe(-(2n ** 63n));
    const beyond = 2n ** 70n;
    if (facts.hugeNumber !== undefined) expect(await answer(facts.hugeNumber, [beyond])).toBe(String(beyond));
    else expect(await failureOf(() => pool.runQuery(echo("integer"), [beyond]))).toBeInstanceOf(DataError);
  });

  test("B12 an integer beyond 2^53 comes back exact, a smaller one as a number", async () => {
    const value = await answer("select 9007199254740993 as v");
    expect(typeof value).toBe(target.exactInteger);
    expect(String(value)).toBe("9007199254740993");
    expect(await answer("select 5 as v")).toBe(5);
  });

  test("B14 booleans and Dates", async () => {
    if (facts.hasBooleans) {
      expect(await settled(pool.runQuery(echo("boolean"), [true]))).toMatchObject({ status: "fulfilled" });
      expect(await settled(pool.runQuery(echo("timestamp"), [new Date()]))).toMatchObject({
        status: "fulfilled",
      });
    } else {
      expect((await refusedByAll(echo("text"), [true])).message).toContain("bind 1 or 0");
      expect((await refusedByAll(echo("text"), [new Date()])).message).toContain("toISOString");
    }
  });

  test("B16 B18 objects and arrays", async () => {
    if (facts.hasArrays) {
      expect(await answer("select $1::jsonb as v", [{ a: [1, "x"] }])).toEqual({ a: [1, "x"] });
      expect(
        await answer("select $1::text[] as v", [
          [
            ["a", null],
            ['q"', "\\"],
          ],
        ]),
      ).toEqual([
        ["a", null],
        ['q"', "\\"],
      ]);
      expect(await answer("select array_length($1::int[], 1) as v", [[1, 2, 3]])).toBe(3);
    } else {
      await refusedByAll(echo("text"), [{ a: 1 }]);
      await refusedByAll(echo("text"), [["x"]]);
      await refusedByAll(target.sql("select ? as v, ? as w"), [["x", "y"]]);
    }
  });

  test("B17 toSqlString is never called", async () => {
    let called = 0;
    const hostile = { toSqlString: () => String(++called) };
    await settled(pool.runQuery(echo("text"), [hostile]));
    expect(called).toBe(0);
  });

  test("B19 what cannot be read is refused with its error as cause", async () => {
    const getter = Object.defineProperty(["x"], 0, {
      get() {
        throw new Error("from the getter");
      },
    });
    expect((await refusedByAll(echo("text"), getter)).cause).toMatchObject({ message: "from the getter" });
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    await refusedByAll(echo("text"), [cyclic]);
  });

  test("B20 NUL in text", async () => {
    if (facts.hasNul) expect(await answer(echo("text"), ["a\0b"])).toBe("a\0b");
    else expect(await failureOf(() => pool.runQuery(echo("text"), ["a\0b"]))).toBeInstanceOf(DataError);
  });

  test("B21 bytes come back byte for byte, as a Buffer", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    for (const value of [
      bytes,
      new Uint8Array(bytes),
      new DataView(bytes.buffer, bytes.byteOffset + 1, 200),
    ]) {
      const expected = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      const back = await answer(echo("bytes"), [value]);
      expect(Buffer.isBuffer(back)).toBe(true);
      expect(expected.equals(back as Buffer)).toBe(true);
    }
  });

  test("B21 a large blob", async () => {
    const large = Buffer.alloc(facts.largeBlob, "0123456789abcdef");
    const back = (await answer(echo("bytes"), [large])) as Buffer;
    expect(Buffer.isBuffer(back)).toBe(true);
    expect(large.equals(back)).toBe(true);
  });

  test("B23 too many params are refused", async () => {
    await refusedByAll(echo("text"), new Array(facts.mostParams + 1).fill(1));
  });

  test("B24 params count as they are at the call", async () => {
    const bytes = Buffer.from("before");
    const params: unknown[] = [bytes];
    const result = pool.runQuery<{ v: unknown }>(echo("bytes"), params);
    bytes.fill("x");
    params[0] = "after";
    params.push("more");
    expect((await result)[0]!.v).toEqual(Buffer.from("before"));
  });

  test("params never show in an error", async () => {
    const name = "SECRET-PARAM";
    const insert = target.sql("insert into items values (?, ?)");
    const twice = await failureOf(() =>
      pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10, name]);
        await transaction.runOperation(insert, [11, name]);
      }),
    );
    const badType = await failureOf(() => pool.runOperation(insert, [name, "x"]));
    for (const shown of [twice, badType]) {
      const text = [
        inspect(shown, { depth: 9, showHidden: true }),
        JSON.stringify(shown),
        String(shown),
      ].join("\n");
      expect(text).not.toContain("SECRET");
    }
  });
});

async function all(rows: AsyncIterable<unknown>): Promise<unknown[]> {
  const list = [];
  for await (const row of rows) list.push(row);
  return list;
}

/** Fails when the call throws instead of returning something to await, and when nothing fails at all. */
async function failureOf(ask: () => PromiseLike<unknown>): Promise<unknown> {
  const asked = ask();
  try {
    await asked;
  } catch (error) {
    return error;
  }
  throw new Error("nothing failed");
}

async function settled<T>(asked: PromiseLike<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([asked]);
  return result;
}
