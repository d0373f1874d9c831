import { describe, expect, test } from "vitest";
import type { Driver } from "../../dist/drivers/driver.js";
import { InterfaceError } from "../../dist/src/errors/classes.js";
import { checkInteractionOptions, checkStatementOptions } from "../../dist/src/options/call-options.js";
import { type PoolOptions, resolveOptions } from "../../dist/src/pool-options.js";

function aDriver(facts: Partial<Driver> = {}): Driver {
  return {
    name: "some-driver",
    paramstyle: "qmark",
    pipeline: 8,
    connect: () => Promise.reject(new Error("never asked to connect")),
    translate: () => new InterfaceError("never asked to translate"),
    ...facts,
  };
}

const resolve = (options?: unknown, driver = aDriver()) =>
  resolveOptions(options as PoolOptions | undefined, driver, []);

describe("pool options", () => {
  test("have the documented defaults", () => {
    expect(resolve()).toEqual({
      min: 3,
      max: 5,
      name: "some-driver",
      noisy: false,
      logger: console,
      openfun: undefined,
      reconnect: true,
      goodSql: "select 1",
      acquireTimeoutMillis: 30_000,
      idleTimeoutMillis: 600_000,
      maxLifetimeMillis: 1_800_000,
      maxWaiting: Number.POSITIVE_INFINITY,
      resetOnRelease: undefined,
      prepare: true,
      leakDetectionMillis: undefined,
      statementTimeoutMillis: undefined,
      pipeline: undefined,
      int64: "driver",
    });
  });

  test("are a frozen copy", () => {
    const given = { max: 7 };
    const options = resolve(given);
    given.max = 1;
    expect(options.max).toBe(7);
    expect(Object.isFrozen(options)).toBe(true);
  });

  test("take undefined for the default", () => {
    const all = Object.fromEntries(Object.keys(resolve()).map((name) => [name, undefined]));
    expect(resolve(all)).toEqual(resolve());
  });

  test("min follows a smaller max, and an explicit one above max is refused", () => {
    expect(resolve({ max: 2 })).toMatchObject({ min: 2, max: 2 });
    expect(resolve({ min: 0 })).toMatchObject({ min: 0, max: 5 });
    expect(() => resolve({ min: 6 })).toThrow(/"min" \(6\).*"max" \(5\)/);
    expect(() => resolve({ min: 2, max: 1 })).toThrow(InterfaceError);
  });

  test("max follows what the driver allows, and asking for more is refused", () => {
    const single = aDriver({ maxConnections: () => 1 });
    expect(resolve({}, single)).toMatchObject({ min: 1, max: 1 });
    expect(resolve({ max: 1 }, single)).toMatchObject({ min: 1, max: 1 });
    expect(() => resolve({ max: 2 }, single)).toThrow(/"max" must be at most 1/);
  });

  test("the driver is asked about these connect arguments", () => {
    const seen: unknown[] = [];
    const driver = aDriver({
      maxConnections(args) {
        seen.push(...args);
        return 2;
      },
    });
    expect(resolveOptions(undefined, driver, [":memory:"]).max).toBe(2);
    expect(seen).toEqual([":memory:"]);
  });

  const never = Number.POSITIVE_INFINITY;
  test.each<[string, unknown]>([
    ["max", 1],
    ["max", 1000],
    ["name", "orders"],
    ["noisy", true],
    ["openfun", async () => {}],
    ["reconnect", false],
    ["goodSql", "select 1 from dual"],
    ["acquireTimeoutMillis", 0.5],
    ["acquireTimeoutMillis", 2 ** 31 - 1],
    ["acquireTimeoutMillis", never],
    ["idleTimeoutMillis", never],
    ["maxLifetimeMillis", never],
    ["maxWaiting", 0],
    ["maxWaiting", never],
    ["resetOnRelease", true],
    ["resetOnRelease", false],
    ["prepare", false],
    ["leakDetectionMillis", 1000],
    ["statementTimeoutMillis", 1000],
    ["pipeline", 1],
    ["int64", "bigint"],
    ["int64", "string"],
    ["int64", "number"],
  ])("%s may be %s", (name, value) => {
    expect(resolve({ min: 0, [name]: value })).toHaveProperty(name, value);
  });

  test.each<[string, unknown]>([
    ...["min", "max", "maxWaiting", "pipeline"].flatMap((name): [string, unknown][] =>
      [-1, 1.5, Number.NaN, "5", null, true, 5n, {}, 2 ** 53].map((value) => [name, value]),
    ),
    ["min", never],
    ["max", 0],
    ["max", never],
    ["pipeline", 0],
    ["pipeline", never],
    ...[
      "acquireTimeoutMillis",
      "idleTimeoutMillis",
      "maxLifetimeMillis",
      "leakDetectionMillis",
      "statementTimeoutMillis",
    ].flatMap((name): [string, unknown][] =>
      [-1, 0, Number.NaN, "1000", null, 2 ** 31, -never, new Date(5)].map((value) => [name, value]),
    ),
    ["leakDetectionMillis", never],
    ["statementTimeoutMillis", never],
    ...["noisy", "reconnect", "prepare", "resetOnRelease"].flatMap((name): [string, unknown][] =>
      [0, 1, "true", null].map((value) => [name, value]),
    ),
    ["name", ""],
    ["name", 5],
    ["name", "two\nlines"],
    ["name", "nul\0"],
    ["logger", null],
    ["logger", "console"],
    ["logger", () => {}],
    ["logger", { debug() {}, info() {}, warn() {} }],
    ["openfun", "set search_path to x"],
    ["goodSql", ""],
    ["goodSql", 1],
    ["goodSql", "select 1\0"],
    ["int64", "BigInt"],
    ["int64", true],
    ["maximum", 5],
    ["cp_max", 5],
    ["__proto__x", 5],
    ["constructor", 5],
    ["toString", () => {}],
  ])("B42 %s must not be %s", (name, value) => {
    expect(() => resolve({ [name]: value })).toThrow(InterfaceError);
    expect(() => resolve({ [name]: value })).toThrow(`"${name}"`);
  });

  test.each([null, 5, "max=5", [], true])("B42 %s is no set of options", (options) => {
    expect(() => resolve(options)).toThrow(InterfaceError);
  });
});

describe("statement options", () => {
  const { signal } = new AbortController();

  test.each([undefined, {}, { signal }, { timeoutMillis: 1 }, { rowMode: "array" }, { rowMode: undefined }])(
    "%j pass",
    (options) => {
      expect(() => checkStatementOptions(options)).not.toThrow();
    },
  );

  test.each<[string, unknown]>([
    ["signal", {}],
    ["signal", null],
    ["signal", new AbortController()],
    ["timeoutMillis", 0],
    ["timeoutMillis", -1],
    ["timeoutMillis", Number.NaN],
    ["timeoutMillis", never()],
    ["timeoutMillis", "100"],
    ["timeoutMillis", 2 ** 31],
    ["rowMode", "objects"],
    ["rowMode", 1],
    ["timeout", 100],
    ["isolation", "serializable"],
  ])("%s must not be %s", (name, value) => {
    expect(() => checkStatementOptions({ [name]: value })).toThrow(InterfaceError);
    expect(() => checkStatementOptions({ [name]: value })).toThrow(`"${name}"`);
  });

  test.each([null, "array", 5, []])("%s is no set of options", (options) => {
    expect(() => checkStatementOptions(options)).toThrow(InterfaceError);
  });
});

describe("interaction options", () => {
  test.each([
    undefined,
    {},
    { isolation: "serializable", readOnly: true, retries: 3, timeoutMillis: 1000 },
    { isolation: "read uncommitted" },
    { isolation: "read committed" },
    { isolation: "repeatable read", retries: 0 },
  ])("%j pass", (options) => {
    expect(() => checkInteractionOptions(options)).not.toThrow();
  });

  test.each<[string, unknown]>([
    ["isolation", "SERIALIZABLE"],
    ["isolation", "serializable; drop table items"],
    ["isolation", null],
    ["readOnly", 1],
    ["retries", -1],
    ["retries", 0.5],
    ["retries", never()],
    ["retries", "1"],
    ["signal", { aborted: false }],
    ["timeoutMillis", 0],
    ["rowMode", "array"],
    ["retry", 3],
  ])("%s must not be %s", (name, value) => {
    expect(() => checkInteractionOptions({ [name]: value })).toThrow(InterfaceError);
    expect(() => checkInteractionOptions({ [name]: value })).toThrow(`"${name}"`);
  });
});

function never(): number {
  return Number.POSITIVE_INFINITY;
}
