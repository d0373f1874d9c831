/**
 * What the tests of statements and transactions share: a table of three rows, slow statements, and ways to give one up.
 */
import { CancelledError, ConnectionPool, type Deferred, type Outcome, StatementTimeout } from "adbapi";
import { expect } from "vitest";
import { untilThreadWorks } from "../support/busy-thread.js";
import { eventually } from "../support/eventually.js";
import { Forwarder } from "../support/forwarder.js";
import type { Target, TestDatabase } from "../support/target.js";
import { type PoolOptions, withPool } from "../support/with-pool.js";

/** Enough for any machine, where a short time is the pool's default. */
export const GENEROUS = { timeoutMillis: 20_000 };

/**
 * A pool over one table of three rows, made by others; afterwards nothing is borrowed, waiting or open, and the pool
 * still worked.
 */
export function withItems(
  target: Target,
  options: PoolOptions,
  use: (pool: ConnectionPool, database: TestDatabase) => Promise<void>,
): Promise<void> {
  return withPool(target, options, async (pool, database) => {
    await using other = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1 });
    await other.runOperation("create table items (id integer primary key, name varchar(100))");
    await other.runOperation("insert into items values (1, 'one'), (2, 'two'), (3, 'three')");
    await other.close();
    // What is timed is not the connecting, nor a thread that has yet to load its modules.
    if (options.min !== 0) {
      await pool.start();
      await pool.runQuery("select 1 as v", [], GENEROUS);
    }
    await use(pool, database);
    if (!pool.closed) expect(await pool.runQuery("select 1 as v", [], GENEROUS)).toEqual([{ v: 1 }]);
  });
}

/** The same rows, and a pool of one connection through a cable that can be cut or stalled. */
export function withCable(
  target: Target,
  use: (pool: ConnectionPool, database: TestDatabase, forwarder: Forwarder) => Promise<void>,
): Promise<void> {
  return withItems(target, { max: 1 }, async (_, database) => {
    await using forwarder = await Forwarder.before(database.connectArgs);
    const args = forwarder.through(database.connectArgs);
    const pool = new ConnectionPool(target.name, args, { min: 0, max: 1 });
    try {
      await use(pool, database, forwarder);
    } finally {
      await pool.close({ timeoutMillis: 2_000 });
    }
  });
}

/** The ids that everyone can see now. */
export async function ids(database: TestDatabase): Promise<number[]> {
  return (await database.observe("select id from items order by id")).map(({ id }) => Number(id));
}

/** Inserts the row, after about so long in one go that only the server can end early. */
export function slowInsert(target: Target, id: number, seconds: number): string {
  const slow: Record<Target["paramstyle"] | "file", string> = {
    numeric: `insert into items select ${id}, 'slow' from (select pg_sleep(${seconds})) as slept`,
    qmark: `insert into items select ${id}, sleep(${seconds})`,
    file: `insert into items with recursive c(x) as (select 1 union all select x + 1 from c where x < ${Math.ceil(
      seconds * 4_000_000,
    )}) select ${id}, count(*) from c`,
    named: "",
    format: "",
    pyformat: "",
  };
  return slow[target.server === undefined ? "file" : target.paramstyle];
}

/** Inserts the row whose id is its param, and takes some 10 ms for it. */
export function slowRow(target: Target): string {
  if (target.server === "postgres") return "insert into items values ($1, pg_sleep(0.01)::text)";
  if (target.server !== undefined) return "insert into items values (?, sleep(0.01))";
  const counting = "with recursive c(x) as (select 1 union all select x + 1 from c where x < 40000)";
  return `insert into items values (?, (${counting} select count(*) from c))`;
}

/** How many statements the server works at, other than this question; undefined where there is no server to ask. */
export async function running(target: Target, database: TestDatabase): Promise<number | undefined> {
  if (target.server === undefined) return undefined;
  const sql =
    target.server === "postgres"
      ? `select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'active'
         and pid <> pg_backend_pid() and backend_type = 'client backend'`
      : `select count(*) as n from information_schema.processlist where db = database() and command <> 'Sleep'
         and id <> connection_id()`;
  const [row] = await database.observe(sql);
  return Number(row!.n);
}

/** The server has answered; that it has gone to rest since shows a moment later. */
export async function nothingRuns(target: Target, database: TestDatabase): Promise<void> {
  if (target.server === undefined) return;
  await eventually("statements that run", () => running(target, database), 0);
}

/**
 * Fires once the server works at a statement; where there is none to ask, once the thread does, as its use of the
 * processor shows.
 */
export async function untilRunning(
  target: Target,
  pool: ConnectionPool,
  database: TestDatabase,
): Promise<void> {
  if (target.server !== undefined)
    return eventually("statements that run", () => running(target, database), 1);
  await eventually("connections in use", () => pool.stats.inUse, 1);
  await untilThreadWorks();
}

/** What it fails with. */
export async function failureOf(work: PromiseLike<unknown>): Promise<Error & { outcome?: Outcome }> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
}

/** What is claimed must be true once nothing runs any more; `"unknown"` claims nothing. */
export async function proveOutcome(
  database: TestDatabase,
  error: { outcome?: Outcome },
  id: number,
): Promise<void> {
  const there = (await ids(database)).includes(id);
  if (error.outcome === "applied") expect(there).toBe(true);
  else if (error.outcome !== "unknown") {
    expect(["not sent", "not applied"]).toContain(error.outcome);
    expect(there).toBe(false);
  }
}

/** One way to give a statement up: what is asked of the pool and of the call, and what is done once it runs. */
export interface Means {
  readonly name: string;
  readonly pool: PoolOptions;
  readonly options: () => { signal?: AbortSignal; timeoutMillis?: number };
  /** `ready` tells when it is in the phase to be given up in; time runs out by itself. */
  readonly giveUp: (deferred: Deferred<unknown>, ready?: () => Promise<unknown>) => Promise<void>;
  readonly error: typeof CancelledError | typeof StatementTimeout;
}

export function eachMeans(): Means[] {
  let controller = new AbortController();
  const nothing = async () => {};
  return [
    {
      name: "cancel()",
      pool: {},
      options: () => ({}),
      giveUp: async (deferred, ready) => {
        await ready?.();
        deferred.cancel();
      },
      error: CancelledError,
    },
    {
      name: "AbortSignal",
      pool: {},
      options: () => {
        controller = new AbortController();
        return { signal: controller.signal };
      },
      giveUp: async (_, ready) => {
        await ready?.();
        controller.abort(new Error("no longer wanted"));
      },
      error: CancelledError,
    },
    {
      name: "timeoutMillis",
      pool: {},
      options: () => ({ timeoutMillis: 400 }),
      giveUp: nothing,
      error: StatementTimeout,
    },
    {
      name: "statementTimeoutMillis",
      pool: { statementTimeoutMillis: 400 },
      options: () => ({}),
      giveUp: nothing,
      error: StatementTimeout,
    },
  ];
}

/** Those that an interaction knows as well. */
export function eachInteractionMeans(): Means[] {
  return eachMeans().filter(({ name }) => name !== "statementTimeoutMillis");
}
