import { createPool, type Pool } from "generic-pool";
import type { AdbapiError } from "../errors/classes.js";
import { setImmediate } from "../timeouts/turn.js";
import type { PooledConnection } from "./pooled-connection.js";

/**
 * What a failed connect leaves in generic-pool: its `create` must resolve, or it spins and forgets who waits (node-pool
 * #175, #183).
 */
class FailedConnect {
  readonly error: AdbapiError;
  constructor(error: AdbapiError) {
    this.error = error;
  }
}

/**
 * The places of a pool, `max` in number, each for one connection from its first attempt until it is gone. The one file
 * that knows generic-pool, whose queue is kept empty of meaning: who gets a connection is decided by the dispatcher.
 */
export class Slots {
  readonly #pool: Pool<PooledConnection | FailedConnect>;
  readonly #purged: () => void;

  /**
   * @param open makes the connection for a place; rejects with an error of this package
   * @param purged is called after each `purge`
   */
  constructor(max: number, open: () => Promise<PooledConnection>, purged: () => void) {
    this.#purged = purged;
    const create = () => open().catch((error: AdbapiError) => this.#failedConnect(error));
    const destroy = async () => {};
    this.#pool = createPool<PooledConnection | FailedConnect>(
      { create, destroy },
      { min: 0, max, fifo: false, autostart: false, testOnBorrow: false },
    );
  }

  /** How many are idle. */
  get available(): number {
    return this.#pool.available;
  }

  /** How many more connections there could be. */
  get spare(): number {
    return this.#pool.spareResourceCapacity;
  }

  /** Fires with what is idle, else with a new connection; rejects with the reason why there is none. */
  async take(): Promise<PooledConnection> {
    const entry = await this.#pool.acquire();
    if (!(entry instanceof FailedConnect)) return entry;
    this.vacate(entry);
    throw entry.error;
  }

  /** It is idle from now on. */
  giveBack(lease: PooledConnection): void {
    void this.#pool.release(lease);
  }

  /** Frees the place of what had been taken and is gone; what is idle is found by `purge`. */
  vacate(entry: PooledConnection | FailedConnect): void {
    if (this.#pool.isBorrowedResource(entry)) void this.#pool.destroy(entry);
  }

  /**
   * Frees the places of what has died while it was idle: only what has been taken can be given up, so all is, and the
   * living go back.
   */
  async purge(): Promise<void> {
    await this.#sift(this.#pool.available - this.#pool.pending);
    this.#purged();
  }

  /** Opens so many more, for nobody yet. Fires when each is there, or has failed. */
  grow(missing: number): Promise<void> {
    // More are opened only for those who wait beyond what is idle, or being opened, and asked for by nobody.
    const { size, borrowed, pending } = this.#pool;
    return this.#sift(missing + size - borrowed - pending);
  }

  async #sift(count: number): Promise<void> {
    const one = (entry: PooledConnection | FailedConnect) => {
      if (entry instanceof FailedConnect || entry.state === "closed") this.vacate(entry);
      // One that is closing keeps its place until it is gone.
      else if (entry.state !== "closing") this.giveBack(entry);
    };
    const sifted: Promise<void>[] = [];
    for (let n = 0; n < count; n++) sifted.push(this.#pool.acquire().then(one));
    await Promise.all(sifted);
  }

  #failedConnect(error: AdbapiError): FailedConnect {
    // Those whom it was for may have been served meanwhile by a connection that returned: then nobody takes it out.
    setImmediate(() => void this.purge());
    return new FailedConnect(error);
  }
}
