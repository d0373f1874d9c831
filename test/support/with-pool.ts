import { ConnectionPool } from "adbapi";
import { eventually } from "./eventually.js";
import type { PoolOptions } from "./pool-options.js";
import type { Target, TestDatabase } from "./target.js";

export type { PoolOptions } from "./pool-options.js";

export type UsePool<T> = (pool: ConnectionPool, database: TestDatabase) => T | PromiseLike<T>;

/**
 * A pool on a fresh database of its own, closed afterwards. Every test that succeeds ends by proving that nothing is
 * borrowed or waiting, and, once the pool is closed, that nothing is open at the server. A test may close the pool
 * itself.
 */
export async function withPool<T>(target: Target, options: PoolOptions, use: UsePool<T>): Promise<T> {
  await using database = await target.createDatabase();
  const pool = new ConnectionPool(target.name, database.connectArgs, {
    ...target.poolOptions,
    ...overridden(),
    ...options,
  });
  let result: T;
  try {
    result = await use(pool, database);
  } catch (error) {
    await pool.close({ timeoutMillis: 1_000 }).catch(() => {}); // the test's own error wins
    throw error;
  }
  await eventually("connections in use", () => pool.stats.inUse, 0);
  await eventually("waiting", () => pool.stats.waiting, 0);
  await pool.close({ timeoutMillis: 10_000 });
  await eventually("size of a closed pool", () => pool.stats.size + pool.stats.connecting, 0);
  await eventually("sessions of a closed pool", () => database.countSessions(), 0);
  return result;
}

/** For what is timed: connecting is not part of it, nor a thread that has yet to load its modules. */
export async function untilOpen(pool: ConnectionPool, connections: number): Promise<void> {
  const idle = async () => {
    await pool.start().then(undefined, () => {}); // a busy machine may need longer than this pool has
    return pool.stats.idle;
  };
  await eventually("open connections", idle, connections);
}

/**
 * `ADBAPI_TEST_PIPELINE=1` runs the same tests with nothing in flight behind anything; a test's own choice goes first.
 */
function overridden(): PoolOptions {
  const pipeline = process.env.ADBAPI_TEST_PIPELINE;
  return pipeline === undefined ? {} : { pipeline: Number(pipeline) };
}
