import { describe, expect, test } from "vitest";
import type { Params } from "../../dist/drivers/driver.js";
import { bind as bindMariadb } from "../../dist/drivers/mariadb/params.js";
import { bind as bindMysql2 } from "../../dist/drivers/mysql2/params.js";
import { bind as bindPg } from "../../dist/drivers/pg/values/params.js";
import { bind as bindSqlite, exact } from "../../dist/drivers/sqlite-family/params.js";
import { DataError, InterfaceError } from "../../dist/src/errors/classes.js";

type Bind = (params: Params) => Params;

const drivers: readonly [string, Bind][] = [
  ["pg", bindPg],
  ["mysql2", bindMysql2],
  ["mariadb", bindMariadb],
  ["better-sqlite3", bindSqlite],
];
const allBut = (...names: string[]) => drivers.filter(([name]) => !names.includes(name));
const only = (...names: string[]) => drivers.filter(([name]) => names.includes(name));
const mysqlFamily = only("mysql2", "mariadb");
const sqlite = only("better-sqlite3");

const one = (bind: Bind, value: unknown): unknown => (bind([value]) as readonly unknown[])[0];

function refusal(work: () => unknown): Error & { cause?: unknown } {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was not refused");
}

function detachedBytes(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

const throwing = (name: string) =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get() {
      throw new Error("from the getter");
    },
  });

describe.each(drivers)("%s refuses", (_driver, bind) => {
  test.each<[string, unknown]>([
    ["B8 a string", "abc"],
    ["B8 a number", 5],
    ["B8 null", null],
    ["B8 a function", () => [1]],
    ["B8 a Map", new Map([["a", 1]])],
    ["B8 a Buffer", Buffer.from("abc")],
    ["B8 a Date", new Date()],
    ["B8 a Set", new Set([1])],
    ["B13 a Proxy of an array", new Proxy([1], {})],
    ["B13 a Proxy of an object", new Proxy({ a: 1 }, {})],
  ])("%s for params", (_row, params) => {
    expect(refusal(() => bind(params as Params))).toBeInstanceOf(InterfaceError);
  });

  test("B8 a sparse array, naming the hole", () => {
    const sparse = [1, 2, 3];
    delete sparse[1];
    const error = refusal(() => bind(sparse));
    expect(error).toBeInstanceOf(InterfaceError);
    expect(error.message).toContain("param 2 is a hole");
    expect(refusal(() => bind(new Array(3)))).toBeInstanceOf(InterfaceError);
  });

  test("B9 undefined, naming the position", () => {
    const error = refusal(() => bind([1, undefined]));
    expect(error).toBeInstanceOf(InterfaceError);
    expect(error.message).toContain("param 2 is undefined: bind null");
  });

  test.each<[string, unknown]>([
    ["B13 a symbol", Symbol("secret")],
    ["B13 a function", () => "secret"],
    ["B13 a class", class {}],
    ["B13 a Promise", Promise.resolve("secret")],
    ["B13 a thenable", { then() {} }],
    ["B13 a Map", new Map([["a", 1]])],
    ["B13 a Set", new Set([1])],
    ["B13 a WeakMap", new WeakMap()],
    ["B13 a WeakSet", new WeakSet()],
    ["B13 a RegExp", /secret/],
    ["B13 a Proxy of an object", new Proxy({}, {})],
    ["B13 a Proxy of an array", new Proxy([], {})],
    ["B13 a Proxy of a Date", new Proxy(new Date(), {})],
    ["B13 an Error", new Error("secret")],
    ["B13 a generator", (function* () {})()],
    ["B13 a String object", new String("secret")],
    ["B13 a Number object", new Number(5)],
    ["B13 an ArrayBuffer", new ArrayBuffer(8)],
    ["B22 a SharedArrayBuffer", new SharedArrayBuffer(8)],
    ["B22 a view of a SharedArrayBuffer", new Uint8Array(new SharedArrayBuffer(8))],
    ["B22 a Buffer of a SharedArrayBuffer", Buffer.from(new SharedArrayBuffer(8))],
    ["B22 a view of a detached buffer", detachedBytes()],
    ["B22 a detached buffer", detachedBytes().buffer],
    ["B5 a lone high surrogate", "secret \ud800 and more"],
    ["B5 a lone low surrogate", "\udc00"],
    ["B15 an invalid Date", new Date(Number.NaN)],
    ["B15 a Date of the year 10 000", new Date("+010000-01-01T12:00:00Z")],
    ["B15 a Date past the last day of 9999 somewhere", new Date("9999-12-31T23:59:59.999Z").getTime() + 1],
  ])("%s", (_row, value) => {
    const bad = typeof value === "number" ? new Date(value) : value;
    const error = refusal(() => bind([1, bad]));
    expect(error).toBeInstanceOf(InterfaceError);
    expect(error.message).toContain("param 2 ");
    expect(error.message).not.toContain("secret");
  });

  test("B19 a getter among the params, its error as cause", () => {
    const params = Object.defineProperty([1], 0, {
      get() {
        throw new Error("from the getter");
      },
    });
    const error = refusal(() => bind(params));
    expect(error).toBeInstanceOf(InterfaceError);
    expect((error.cause as Error).message).toBe("from the getter");
  });

  test("B13 a Date whose own methods lie", () => {
    const date = Object.assign(new Date(Number.NaN), { getTime: () => 0 });
    expect(refusal(() => bind([date]))).toBeInstanceOf(InterfaceError);
  });
});

describe.each(drivers)("%s binds", (_driver, bind) => {
  test("null, text and fractions as they are", () => {
    const params = [null, "", "text", "żółw 😀", -1.5, 1e300];
    expect(bind(params)).toEqual(params);
  });

  test("nothing when there is nothing", () => {
    expect(bind([])).toEqual([]);
  });

  test("B21 bytes of any view, at their offset", () => {
    const bytes = Uint8Array.from([9, 1, 2, 3, 9]);
    const expected = Buffer.from([1, 2, 3]);
    expect(one(bind, bytes.subarray(1, 4))).toEqual(expected);
    expect(one(bind, Buffer.from(bytes.buffer, 1, 3))).toEqual(expected);
    expect(one(bind, new DataView(bytes.buffer, 1, 3))).toEqual(expected);
    expect(one(bind, new Uint16Array([0x0201]))).toEqual(Buffer.from([1, 2]));
    expect(one(bind, new Uint8Array(0))).toEqual(Buffer.alloc(0));
  });

  test("B21 64 MB without a copy", () => {
    const large = Buffer.alloc(64 * 1024 * 1024);
    expect(one(bind, large)).toBe(large);
    const view = new Uint8Array(large.buffer, large.byteOffset + 1, 5000);
    const bound = one(bind, view) as Buffer;
    expect(Buffer.isBuffer(bound)).toBe(true);
    expect([bound.buffer, bound.byteOffset, bound.length]).toEqual([view.buffer, view.byteOffset, 5000]);
  });

  test("B24 the values of the moment of the call", () => {
    const bytes = Buffer.from("before");
    const params = ["before", bytes];
    const bound = bind(params);
    params[0] = "after";
    params.push("more");
    bytes.fill("x");
    expect(bound).toEqual(["before", Buffer.from("before")]);
  });

  test("B24 4096 bytes are copied, one more is held by reference", () => {
    expect(one(bind, Buffer.alloc(4096))).not.toBe(one(bind, Buffer.alloc(4096)));
    const small = Buffer.alloc(4096);
    const large = Buffer.alloc(4097);
    expect(one(bind, small)).not.toBe(small);
    expect(one(bind, large)).toBe(large);
  });
});

describe("limits", () => {
  test.each(allBut("better-sqlite3"))("B23 %s takes 65 535 params and no more", (_driver, bind) => {
    expect(bind(new Array(65_535).fill("x"))).toHaveLength(65_535);
    expect(refusal(() => bind(new Array(65_536).fill("x")))).toBeInstanceOf(InterfaceError);
  });

  test.each(sqlite)("B23 %s takes 32 766 params and no more", (_driver, bind) => {
    expect(bind(new Array(32_766).fill("x"))).toHaveLength(32_766);
    expect(refusal(() => bind(new Array(32_767).fill("x")))).toBeInstanceOf(InterfaceError);
    const names = Object.fromEntries(Array.from({ length: 32_767 }, (_, index) => [`p${index}`, "x"]));
    expect(refusal(() => bind(names))).toBeInstanceOf(InterfaceError);
  });
});

describe("numbers", () => {
  test.each(only("pg"))("B10 %s takes NaN and the infinities", (_driver, bind) => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    expect(bind(values)).toEqual(values);
  });

  test.each(allBut("pg"))("B10 %s refuses NaN and the infinities", (_driver, bind) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(refusal(() => bind([value]))).toBeInstanceOf(InterfaceError);
    }
  });

  test.each(only("pg"))("B11 %s takes any bigint: numeric columns hold it", (_driver, bind) => {
    expect(bind([10n ** 40n])).toEqual([10n ** 40n]);
  });

  test.each(mysqlFamily)("B11 %s takes bigints of 64 bits, signed or not", (_driver, bind) => {
    expect(bind([-(2n ** 63n), 2n ** 64n - 1n])).toEqual([-(2n ** 63n), 2n ** 64n - 1n]);
    expect(refusal(() => bind([2n ** 64n]))).toBeInstanceOf(DataError);
    expect(refusal(() => bind([-(2n ** 63n) - 1n]))).toBeInstanceOf(DataError);
  });

  test.each(sqlite)("B11 %s takes bigints of 64 bits", (_driver, bind) => {
    expect(bind([-(2n ** 63n), 2n ** 63n - 1n])).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
    expect(refusal(() => bind([2n ** 63n]))).toBeInstanceOf(DataError);
    expect(refusal(() => bind([-(2n ** 63n) - 1n]))).toBeInstanceOf(DataError);
  });

  test.each(sqlite)("B45 %s binds whole numbers as INTEGER, which bigints are to it", (_driver, bind) => {
    const bound = (...params: number[]) => exact(bind(params));
    expect(bound(0, 1, -2, 2 ** 53, -(2 ** 63))).toEqual([0n, 1n, -2n, 2n ** 53n, -(2n ** 63n)]);
    expect(bound(0.5, 2 ** 63, 1e300)).toEqual([0.5, 2 ** 63, 1e300]);
  });

  test.each(allBut("better-sqlite3"))("%s gets numbers and booleans as they are", (_driver, bind) => {
    expect(bind([0, 1, -2, 0.5, true, false])).toEqual([0, 1, -2, 0.5, true, false]);
  });

  test("B45 mariadb gets whole numbers beyond 32 bits as bigints, which are integers to it", () => {
    const bound = bindMariadb([2 ** 31 - 2, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53, 2 ** 63]);
    expect(bound).toEqual([2 ** 31 - 2, 2n ** 31n - 1n, -(2 ** 31), -(2n ** 31n) - 1n, 2n ** 53n, 2n ** 63n]);
    expect(bindMariadb([0.5, 2 ** 64, -(2 ** 64), 1e300])).toEqual([0.5, 2 ** 64, -(2 ** 64), 1e300]);
  });

  test.each(sqlite)("B14 %s refuses booleans and Dates, and says what to bind", (_driver, bind) => {
    expect(refusal(() => bind([true]))).toBeInstanceOf(InterfaceError);
    expect(refusal(() => bind([false])).message).toContain("bind 1 or 0");
    expect(refusal(() => bind([new Date(0)]))).toBeInstanceOf(InterfaceError);
    expect(refusal(() => bind([new Date(0)])).message).toContain("toISOString");
  });
});

describe("dates and text", () => {
  test.each(allBut("better-sqlite3"))("B24 %s gets a copy of a Date", (_driver, bind) => {
    const date = new Date("2026-02-03T04:05:06.789Z");
    const bound = one(bind, date) as Date;
    date.setTime(0);
    expect(bound).toEqual(new Date("2026-02-03T04:05:06.789Z"));
  });

  test.each(mysqlFamily)("B15 %s refuses Dates before the year 0", (_driver, bind) => {
    expect(refusal(() => bind([new Date("-000044-03-15T12:00:00Z")]))).toBeInstanceOf(InterfaceError);
  });

  test.each(only("pg"))("B15 %s takes Dates before the year 0", (_driver, bind) => {
    const ides = new Date("-000043-03-15T12:00:00Z");
    expect(bind([ides])).toEqual([ides]);
  });

  test.each(only("pg"))("B20 %s refuses NUL in text", (_driver, bind) => {
    const error = refusal(() => bind(["a", "secret\0"]));
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain("param 2 ");
    expect(error.message).not.toContain("secret");
    expect(refusal(() => bind([["a\0"]]))).toBeInstanceOf(DataError);
  });

  test.each(allBut("pg"))("B20 %s takes NUL in text", (_driver, bind) => {
    expect(bind(["a\0b"])).toEqual(["a\0b"]);
  });
});

describe("objects and arrays", () => {
  test.each(mysqlFamily)("B16 B18 %s refuses both", (_driver, bind) => {
    for (const value of [{}, { a: 1 }, Object.create(null), [], [1, 2], new URL("http://x/")]) {
      expect(refusal(() => bind([value]))).toBeInstanceOf(InterfaceError);
    }
    expect(refusal(() => bind({ a: 1 }))).toBeInstanceOf(InterfaceError);
  });

  test.each(sqlite)("B16 B18 %s refuses both as a param", (_driver, bind) => {
    for (const value of [{}, { a: 1 }, Object.create(null), [], ["x", "y"], new URL("http://x/")]) {
      expect(refusal(() => bind([value]))).toBeInstanceOf(InterfaceError);
      expect(refusal(() => bind({ name: value }))).toBeInstanceOf(InterfaceError);
    }
  });

  test.each(sqlite)("%s takes named params in a plain object, and copies it", (_driver, bind) => {
    const params: Record<string, unknown> = { a: 1, b: "x" };
    const bound = bind(params);
    params.a = 2;
    expect({ ...bound }).toEqual({ a: 1, b: "x" });
    expect({ ...exact(bound) }).toEqual({ a: 1n, b: "x" });
    const hostile = bind(JSON.parse('{ "__proto__": "own", "constructor": 1 }'));
    expect(Object.keys(hostile)).toEqual(["__proto__", "constructor"]);
    expect(Object.entries(exact(hostile))).toEqual([
      ["__proto__", "own"],
      ["constructor", 1n],
    ]);
    expect(refusal(() => bind({ a: 1, b: undefined })).message).toContain('param "b" is undefined');
    expect(refusal(() => bind(throwing("a")))).toMatchObject({ cause: { message: "from the getter" } });
    expect(refusal(() => bind(new (class Point {})() as Params))).toBeInstanceOf(InterfaceError);
  });

  test.each(allBut("pg"))("B17 %s never calls a method of a param", (_driver, bind) => {
    let called = 0;
    const method = () => {
      called++;
      return "1; drop table items";
    };
    for (const name of ["toSqlString", "toPostgres", "toJSON", "toString", "valueOf"]) {
      expect(refusal(() => bind([{ [name]: method }]))).toBeInstanceOf(InterfaceError);
    }
    expect(called).toBe(0);
  });

  describe.each(only("pg"))("%s", (_driver, bind) => {
    test("B16 takes objects as their JSON of the moment of the call", () => {
      const object = { a: [1, { b: null }] };
      const bound = bind([object]);
      object.a.push(2);
      expect(bound).toEqual(['{"a":[1,{"b":null}]}']);
      expect(bind([new URL("http://x/")])).toEqual(['"http://x/"']);
    });

    test("B17 calls toPostgres as pg documents it, at the call, and toSqlString never", () => {
      const point = { x: 1, toPostgres: (encode: (value: unknown) => unknown) => encode([point.x, 2]) };
      const bound = bind([point]);
      point.x = 3;
      expect(bound).toEqual(['{"1","2"}']);
      expect(one(bind, { toPostgres: () => null })).toBe(null);
      expect(one(bind, { toPostgres: () => Buffer.from([1]) })).toEqual(Buffer.from([1]));
      expect(one(bind, { a: 1, toSqlString: () => "now()" })).toBe('{"a":1}');
    });

    test("B18 copies nested arrays for the package to encode", () => {
      const inner = ["a", null];
      const date = new Date(0);
      const bound = bind([[inner, inner, [date, { b: 2 }]]]);
      inner[0] = "after";
      date.setTime(1);
      expect(bound).toEqual([
        [
          ["a", null],
          ["a", null],
          [new Date(0), '{"b":2}'],
        ],
      ]);
      expect(bind([[], [[]]])).toEqual([[], [[]]]);
    });

    test("B9 names the position inside an array", () => {
      expect(refusal(() => bind([1, ["a", [undefined]]])).message).toContain("param 2[1][0] is undefined");
    });

    test("B19 refuses what has no end", () => {
      const array: unknown[] = [1];
      array.push([array]);
      expect(refusal(() => bind([array]))).toBeInstanceOf(InterfaceError);
      const object: Record<string, unknown> = {};
      object.self = object;
      expect(refusal(() => bind([object]))).toMatchObject({ cause: expect.any(TypeError) });
      const custom = { toPostgres: (): unknown => custom };
      expect(refusal(() => bind([custom]))).toMatchObject({ cause: expect.any(Error) });
    });

    test.each<[string, object]>([
      ["a getter", throwing("a")],
      [
        "a toJSON",
        {
          toJSON: () => {
            throw new Error("from the getter");
          },
        },
      ],
      [
        "a toPostgres",
        {
          toPostgres: () => {
            throw new Error("from the getter");
          },
        },
      ],
      ["a toPostgres that is a getter", throwing("toPostgres")],
      ["a then that is a getter", throwing("then")],
    ])("B19 refuses %s that throws, its error as cause", (_row, value) => {
      const error = refusal(() => bind([value]));
      expect(error).toBeInstanceOf(InterfaceError);
      expect(error.cause).toMatchObject({ message: "from the getter" });
    });

    test("B19 refuses an object without JSON text", () => {
      expect(refusal(() => bind([{ toJSON: () => undefined }]))).toBeInstanceOf(InterfaceError);
      expect(refusal(() => bind([{ a: 1n }]))).toMatchObject({ cause: expect.any(TypeError) });
    });

    test("has no named params", () => {
      expect(refusal(() => bind({ a: 1 }))).toBeInstanceOf(InterfaceError);
    });
  });
});
