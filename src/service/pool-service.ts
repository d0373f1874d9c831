import type { Deferred } from "../defer/index.js";
import { literalNames } from "../defer/inspect.js";
import { Service } from "./service.js";

/** The part of a ConnectionPool that a service needs. */
export interface ServiceablePool {
  readonly name: string;
  start(): Deferred<unknown>;
  close(options?: { readonly timeoutMillis?: number }): Deferred<unknown>;
}

export interface PoolServiceOptions {
  /** How long closing waits for running work, which is cancelled after that. Default: until it has finished. */
  readonly timeoutMillis?: number;
}

/**
 * A pool as a service, by the pool's name: starts with `min` connections open, stops once all work has finished
 * and every connection is closed. A pool that was closed cannot be started again. Give it to a MultiService first:
 * it is then stopped last, when no other service can want a connection any more.
 */
export function poolService(pool: ServiceablePool, options: PoolServiceOptions = {}): Service {
  return new PoolService(pool, options);
}

class PoolService extends Service {
  readonly #pool: ServiceablePool;
  readonly #options: PoolServiceOptions;

  constructor(pool: ServiceablePool, options: PoolServiceOptions) {
    super(pool.name);
    this.#pool = pool;
    this.#options = options;
  }

  /** Fails as `pool.start()` does; the pool is closed then, so that it does not go on trying to connect. */
  override startService(): Deferred<unknown> {
    super.startService();
    return this.#pool.start().addErrback((failure) => {
      const started = failure;
      return this.stopService().addBoth(() => started);
    });
  }

  override stopService(): Deferred<unknown> {
    super.stopService();
    return this.#pool.close(this.#options);
  }

  override abandonStart(): void {
    this.stopService().addErrback(() => undefined);
  }
}

literalNames({ PoolService });
