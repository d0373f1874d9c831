import type { Cancellation, DriverConnection, Statement } from "../../drivers/driver.js";
import { SETTLE_MILLIS } from "../timeouts/settle-limit.js";

/** A connection whose session is destroyed when it does not settle. */
interface SettlingConnection {
  readonly conn: DriverConnection;
  /** `wait` settles as `work` does, and no later than the session is given up. */
  readonly loss: { wait<T>(work: Promise<T>): Promise<T> };
  destroy(): void;
}

/**
 * What one connection is asked to stop, and the one deadline by which it must have settled. The
 * connection goes to no other work before.
 */
export class Cancellations {
  readonly #connection: SettlingConnection;
  readonly #onTheirWay = new Set<Promise<void>>();
  #deadline: NodeJS.Timeout | undefined;
  /** Whether the deadline runs; changed here alone. */
  limited = false;

  constructor(connection: SettlingConnection) {
    this.#connection = connection;
  }

  /** Asks the server to stop what it works at. Undefined: the driver cannot ask, and the session was destroyed. */
  stop(statement: Statement): Cancellation | undefined {
    const cancellation = this.#ask(statement);
    if (cancellation === undefined) {
      this.#connection.destroy();
      return undefined;
    }
    const { done } = cancellation;
    this.#onTheirWay.add(done);
    void done.then(() => this.#onTheirWay.delete(done));
    this.limit();
    return cancellation;
  }

  /** No caller waits for what the session still works at: from the first call on it has so long to settle. */
  limit(): void {
    this.limited = true;
    this.#deadline ??= setTimeout(() => this.#connection.destroy(), SETTLE_MILLIS).unref();
  }

  /** It owes nothing any more. */
  relieve(): void {
    if (!this.limited) return;
    this.limited = false;
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /**
   * What ran has settled: fires when the next may be sent, which a cancel that is still on its way must not hit;
   * undefined where none is.
   */
  settled(): Promise<void> | undefined {
    if (this.#onTheirWay.size > 0) return this.#settled();
    this.relieve();
    return undefined;
  }

  async #settled(): Promise<void> {
    while (this.#onTheirWay.size > 0) await Promise.all(this.#onTheirWay);
    this.relieve();
  }

  /** A `cancel` that throws cannot cancel; one whose end never comes is over when its session has been destroyed. */
  #ask(statement: Statement): Cancellation | undefined {
    try {
      const asked = this.#connection.conn.cancel?.(statement);
      if (asked === undefined) return undefined;
      const over = () => {};
      return { outcome: asked.outcome, done: this.#connection.loss.wait(asked.done).then(over, over) };
    } catch {
      return undefined;
    }
  }
}
