/**
 * Sessions of a user's own driver that throw where they must not, or never settle: everyone has an answer, and the pool
 * lives.
 */
import { once } from "node:events";
import {
  type Connection,
  ConnectionLost,
  ConnectionPool,
  type Driver,
  OperationalError,
  StatementTimeout,
  type Transaction,
} from "adbapi";
import { describe, expect, test } from "vitest";
import type { DriverConnection, SessionState, Statement } from "../../drivers/driver.js";
import { eventually } from "../support/eventually.js";
import { answer, simpleDriver } from "../support/simple-driver.js";
import type { PoolOptions } from "../support/with-pool.js";
import { quiet } from "../support/with-scripted.js";

type Faults = { [K in keyof Driver | keyof DriverConnection]?: unknown };

const never = () => new Promise<never>(() => {});
const throws = () => {
  throw new Error("boom");
};

/** Its sessions keep the contract but for the faults; what ends in "never" is never answered. */
function faulty(faults: Faults): Driver {
  const session = () => {
    let state: SessionState = "idle";
    const becomes = (next: SessionState) => async () => {
      state = next;
    };
    return Object.defineProperties(
      {
        get state() {
          return state;
        },
        execute: ({ sql }: Statement) => (sql.endsWith("never") ? never() : Promise.resolve(answer({ sql }))),
        begin: becomes("in transaction"),
        commit: becomes("idle"),
        rollback: becomes("idle"),
      },
      Object.getOwnPropertyDescriptors(faults),
    );
  };
  return simpleDriver(session, { name: "faulty", ...faults });
}

/** The pool of one such session at a time, what it logs, and the proof that it works afterwards. */
async function withFaulty(
  faults: Faults,
  options: PoolOptions,
  use: (pool: ConnectionPool, log: string[]) => Promise<void>,
): Promise<void> {
  const log: string[] = [];
  const say = (text: string) => void log.push(text);
  const logger = { ...quiet, warn: say, error: say };
  await using pool = new ConnectionPool(faulty(faults), [], { min: 0, max: 1, logger, ...options });
  await use(pool, log);
  expect(await pool.runQuery("again")).toEqual([{ sql: "again" }]);
  await eventually("connections in use", () => pool.stats.inUse + pool.stats.waiting, 0);
}

test.each(["stackable", "repeatable", "outsideTransaction", "cancelled"])(
  "%s throws: told once, by its name, and costs no statement its answer",
  async (method) => {
    const warned = once(process, "warning") as Promise<[Error]>;
    const execute = ({ sql }: Statement) =>
      sql === "fails"
        ? Promise.reject(new Error("no"))
        : Promise.resolve({ rows: [{ sql }], rowCount: 1, lastInsertId: undefined, columns: [] });
    await withFaulty({ [method]: throws, execute, singleWriter: true }, {}, async (pool) => {
      expect(await pool.runQuery("select 1")).toEqual([{ sql: "select 1" }]);
      await pool.runWithConnection((connection) => connection.cursor().execute("select 2"));
      const writes = pool.runInteraction((transaction) => transaction.runQuery("update"));
      expect(await pool.runQuery("select 3")).toEqual([{ sql: "select 3" }]);
      await writes;
      await expect(pool.runQuery("fails")).rejects.toBeInstanceOf(OperationalError);
    });
    expect((await warned)[0].message).toBe(`${method} of the driver "faulty" threw: boom`);
  },
);

test.each(["begin", "commit", "rollback", "executeMany", "stream"])(
  "%s throws instead of rejecting: that is what the interaction fails with",
  (method) =>
    withFaulty({ [method]: throws }, {}, async (pool) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation("insert");
        await transaction.executeMany("insert", [[1]]);
        if (method === "stream") for await (const _ of transaction.runStream("select")) break;
        if (method === "rollback") throw new Error("boom");
      });
      await expect(work).rejects.toThrow("boom");
    }),
);

test("reset throws: the log says so, and the connection is replaced", () =>
  withFaulty({ reset: throws }, {}, async (pool, log) => {
    await pool.runWithConnection((connection) => connection.cursor().execute("select 1"));
    await eventually("disconnects", () => pool.stats.disconnects, 1);
    expect(log).toEqual([expect.stringContaining("reset failed: boom")]);
  }));

test("no reset: the connection is replaced each time, and that is told once", () =>
  withFaulty({}, {}, async (pool, log) => {
    for (let n = 1; n <= 3; n++) {
      await pool.runWithConnection((connection) => connection.cursor().execute("select 1"));
      await eventually("disconnects", () => pool.stats.disconnects, n);
    }
    expect(log).toEqual([expect.stringContaining('the driver "faulty" cannot reset a session')]);
  }));

test("destroy throws: the log says so, and nobody gets the session again", () =>
  withFaulty({ destroy: throws }, {}, async (pool, log) => {
    const { connects } = pool.stats;
    await expect(pool.runQuery("select never", [], { timeoutMillis: 20 })).rejects.toBeInstanceOf(
      StatementTimeout,
    );
    await pool.runQuery("select 1");
    expect(pool.stats.connects).toBe(connects + 2);
    expect(log).toEqual([expect.stringContaining('destroy of the driver "faulty" threw')]);
  }));

/** Asks for what is never answered, inside of an interaction. */
type Ask = (transaction: Transaction, limits: { timeoutMillis: number } | undefined) => PromiseLike<unknown>;

const ASKS: readonly [string, Ask][] = [
  ["a statement", (transaction, limits) => transaction.runQuery("select never", [], limits)],
  ["executeMany", (transaction, limits) => transaction.executeMany("select never", [[1], [2]], limits)],
  ["BEGIN", (transaction, limits) => transaction.runQuery("select 1", [], limits)],
  [
    "a nested interaction",
    (transaction, limits) => transaction.runInteraction(limits ?? {}, (t) => t.runQuery("select never")),
  ],
];

describe.concurrent("never answered, nor settled by destroy", () => {
  const limits = { timeoutMillis: 30 };
  const failureOf = (work: PromiseLike<unknown>) =>
    work.then(
      () => undefined,
      (error) => error,
    );

  test.each(ASKS)("%s: its own timeout is the answer, and not applied", async (what, ask) => {
    const faults: Faults = what === "BEGIN" ? { begin: never } : {};
    await withFaulty(faults, {}, async (pool) => {
      const failure = await failureOf(pool.runInteraction((transaction) => ask(transaction, limits)));
      expect(failure).toBeInstanceOf(StatementTimeout);
      expect(failure).toMatchObject({ outcome: "not applied" });
      await eventually("disconnects", () => pool.stats.disconnects, 1);
    });
  });

  test.each(ASKS)("%s: the interaction's timeout is the answer, and not applied", async (what, ask) => {
    const faults: Faults = what === "BEGIN" ? { begin: never } : {};
    await withFaulty(faults, {}, async (pool) => {
      const work = pool.runInteraction(limits, (transaction) => ask(transaction, undefined));
      expect(await failureOf(work)).toMatchObject({ name: "StatementTimeout", outcome: "not applied" });
      await eventually("disconnects", () => pool.stats.disconnects, 1);
    });
  });

  test("COMMIT: unknown", () =>
    withFaulty({ commit: never }, {}, async (pool) => {
      const work = pool.runInteraction(limits, (transaction) => transaction.runQuery("insert"));
      expect(await failureOf(work)).toMatchObject({ name: "StatementTimeout", outcome: "unknown" });
      await eventually("disconnects", () => pool.stats.disconnects, 1);
    }));

  test.each([
    ["never comes", never],
    ["fails", () => Promise.reject(new Error("boom"))],
  ])("the end of a cancel %s: the session is given up", (_, done) =>
    withFaulty({ cancel: () => ({ outcome: "unknown", done: done() }) }, { max: 2 }, async (pool) => {
      const single = failureOf(pool.runQuery("select never", [], limits));
      const inside = failureOf(pool.runInteraction((t) => t.runQuery("select never", [], limits)));
      expect(await single).toBeInstanceOf(StatementTimeout);
      expect(await inside).toBeInstanceOf(StatementTimeout);
    }),
  );
});

test("a session is lost and does not settle what was on it: ConnectionLost", async () => {
  let lose: (error: Error) => void = () => {};
  const driver = faulty({});
  const connect: Driver["connect"] = (args, options) => {
    lose = options.onLost;
    return driver.connect(args, options);
  };
  await using pool = new ConnectionPool({ ...driver, connect }, [], { min: 0, max: 1, logger: quiet });
  const asks = [
    () => pool.runQuery("select never"),
    () => pool.runInteraction((transaction) => transaction.runQuery("select never")),
    () => pool.runWithConnection((connection: Connection) => connection.cursor().execute("select never")),
  ];
  for (const ask of asks) {
    const asked = ask();
    await eventually("running", () => pool.stats.inUse, 1);
    setImmediate(() => lose(new Error("gone")));
    await expect(asked).rejects.toBeInstanceOf(ConnectionLost);
  }
  expect(await pool.runQuery("again")).toEqual([{ sql: "again" }]);
});
