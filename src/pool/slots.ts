import { createPool, type Pool } from "generic-pool";
import type { AdbapiError } from "../errors/classes.js";
import type { PooledConnection } from "./pooled-connection.js";

/** What a failed connect is for generic-pool: its `create` must resolve, or it spins (node-pool #175, #183). */
class FailedConnect {
  readonly error: AdbapiError;
  constructor(error: AdbapiError) {
    this.error = error;
  }
}

/**
 * The places of a pool, `max` in number, each for one connection from its first attempt until it is gone. The one file
 * that knows generic-pool, which opens connections and never has more than that: to generic-pool each of them is
 * borrowed until it is gone. Which of them is idle, and who uses it, is known elsewhere.
 */
export class Slots {
  readonly #pool: Pool<PooledConnection | FailedConnect>;

  /** @param connect makes the connection for a place; rejects with an error of this package */
  constructor(max: number, connect: () => Promise<PooledConnection>) {
    const create = () => connect().catch((error: AdbapiError) => new FailedConnect(error));
    const destroy = async () => {};
    this.#pool = createPool<PooledConnection | FailedConnect>(
      { create, destroy },
      { min: 0, max, autostart: false, testOnBorrow: false },
    );
  }

  /** How many more connections there could be. */
  get spare(): number {
    return this.#pool.spareResourceCapacity;
  }

  /** Fires with a new connection, whose place is its own until `vacate`; rejects with the reason why there is none. */
  async open(): Promise<PooledConnection> {
    const entry = await this.#pool.acquire();
    if (!(entry instanceof FailedConnect)) return entry;
    void this.#pool.destroy(entry);
    throw entry.error;
  }

  /** The place of a connection that is gone is free again. */
  vacate(connection: PooledConnection): void {
    if (this.#pool.isBorrowedResource(connection)) void this.#pool.destroy(connection);
  }
}
