/** The pool on a scripted server that tests of timing are given, with the proof at its end. */
import { ConnectionPool, type Deferred } from "adbapi";
import { eventually } from "./eventually.js";
import { type Scripted, ScriptedServer } from "./scripted-driver.js";
import { Traces } from "./traces.js";
import type { PoolOptions } from "./with-pool.js";

export const quiet = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} });

/** How often a Deferred has fired, and with what. */
export class Ear {
  readonly heard: { readonly value?: unknown; readonly error?: Error & { outcome?: string } }[] = [];

  constructor(deferred: Deferred<unknown>) {
    deferred.addCallbacks(
      (value) => void this.heard.push({ value }),
      (failure) => void this.heard.push({ error: failure.value }),
    );
  }

  get fired(): number {
    return this.heard.length;
  }

  get error(): Error & { outcome?: string } {
    const { error } = this.heard[0] ?? {};
    if (error === undefined) throw new Error("it has not failed");
    return error;
  }
}

export type Listen = (deferred: Deferred<unknown>) => Ear;

/**
 * Every test that succeeds ends by proving that each Deferred given to `listen` fired once, that nothing is borrowed or
 * waiting, that the pool works by itself, and once it is closed, that no session, timer, handle or unhandled error is
 * left. Never more sessions than `max`.
 */
export async function withScripted(
  { pool: options = {}, ...script }: Scripted & { readonly pool?: PoolOptions },
  use: (pool: ConnectionPool, server: ScriptedServer, listen: Listen) => Promise<void>,
): Promise<void> {
  using traces = new Traces();
  const server = new ScriptedServer(script);
  const pool = new ConnectionPool(server.driver, [], { min: 0, max: 2, logger: quiet, ...options });
  const ears: Ear[] = [];
  const listen: Listen = (deferred) => {
    const ear = new Ear(deferred);
    ears.push(ear);
    return ear;
  };
  try {
    await use(pool, server, listen);
    if (!pool.closed) {
      const again = () =>
        pool
          .runQuery("select 'again'")
          .then(() => true)
          .catch(() => false);
      await eventually("works again", again, true);
      await eventually("connections in use", () => pool.stats.inUse, 0);
      await eventually("waiting", () => pool.stats.waiting, 0);
      await pool.close({ timeoutMillis: 5_000 });
    }
  } catch (error) {
    await pool.close({ timeoutMillis: 1 }).catch(() => {}); // the test's own error wins
    throw error;
  }
  await eventually("size of a closed pool", () => pool.stats.size + pool.stats.connecting, 0);
  await eventually("sessions of a closed pool", () => server.open, 0);
  await eventually("Deferreds that have not fired", () => ears.filter((ear) => ear.fired === 0).length, 0);
  const twice = ears.filter((ear) => ear.fired > 1);
  if (twice.length > 0) throw new Error(`${twice.length} Deferreds fired more than once`);
  const max = options.max ?? 2;
  if (server.most > max) throw new Error(`${server.most} sessions at once, max is ${max}`);
  await traces.proveNone();
}
