/**
 * The pool that fault tests on real databases are given: it reaches its server through a forwarder that can misbehave.
 */
import { ConnectionPool } from "adbapi";
import { eventually } from "./eventually.js";
import { Forwarder } from "./forwarder.js";
import type { Target, TestDatabase } from "./target.js";
import { Traces } from "./traces.js";
import type { PoolOptions } from "./with-pool.js";
import { Ear, type Listen, quiet } from "./with-scripted.js";

export interface FaultyPlace {
  readonly pool: ConnectionPool;
  readonly database: TestDatabase;
  readonly forwarder: Forwarder;
  readonly listen: Listen;
}

/**
 * Ends as `withScripted` does: each Deferred given to `listen` fired once, nothing is borrowed or waiting, the pool
 * works again by itself, and once it is closed nothing is open at the server, and no timer, handle or unhandled error
 * is left.
 */
export async function withFaults(
  target: Target,
  { serverUrl, ...options }: PoolOptions & { readonly serverUrl?: string },
  use: (place: FaultyPlace) => Promise<void>,
): Promise<void> {
  await using database = await target.createDatabase({ serverUrl });
  await using forwarder = await Forwarder.before(database.connectArgs);
  using traces = new Traces();
  const args = forwarder.through(database.connectArgs);
  const pool = new ConnectionPool(target.name, args, {
    min: 0,
    max: 3,
    logger: quiet,
    ...target.poolOptions,
    ...options,
  });
  const ears: Ear[] = [];
  const listen: Listen = (deferred) => {
    const ear = new Ear(deferred);
    ears.push(ear);
    return ear;
  };
  try {
    await use({ pool, database, forwarder, listen });
    if (!pool.closed) {
      await eventually("works again", () => works(pool), true);
      await eventually("connections in use", () => pool.stats.inUse, 0);
      await eventually("waiting", () => pool.stats.waiting, 0);
      await pool.close({ timeoutMillis: 10_000 });
    }
  } catch (error) {
    forwarder.resume();
    await pool.close({ timeoutMillis: 100 }).catch(() => {}); // the test's own error wins
    throw error;
  }
  await eventually("size of a closed pool", () => pool.stats.size + pool.stats.connecting, 0);
  await eventually("Deferreds that have not fired", () => ears.filter((ear) => ear.fired === 0).length, 0);
  const twice = ears.filter((ear) => ear.fired > 1);
  if (twice.length > 0) throw new Error(`${twice.length} Deferreds fired more than once`);
  await eventually("sessions of a closed pool", () => database.countSessions(), 0);
  await eventually("links through the forwarder", () => forwarder.connections, 0);
  await traces.proveNone();
}

export function works(pool: ConnectionPool): Promise<boolean> {
  return pool.runQuery("select 1").then(
    () => true,
    () => false,
  );
}
