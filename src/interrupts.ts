import type { Cancellation, DriverConnection, Statement } from "../drivers/driver.js";
import type { Outcome } from "./errors.js";

/** The longest that the server may take to settle what it was asked to stop; then the connection is destroyed. */
const SETTLE_MILLIS = 5_000;

/** Cancels of one connection that is somebody's alone. One that is still on its way must not hit the next statement. */
export class Interrupts {
  readonly #conn: DriverConnection;
  readonly #onTheirWay: Promise<void>[] = [];

  constructor(conn: DriverConnection) {
    this.#conn = conn;
  }

  /**
   * Asks the server to stop what it works at; `settled` is to be called once it has. Where the driver cannot ask, the connection is destroyed,
   * and `lostOutcome` is what is known.
   */
  stop(statement: Statement, lostOutcome: Outcome): { cancellation: Cancellation; settled(): void } {
    const conn = this.#conn;
    const cancellation = conn.cancel?.(statement);
    if (cancellation === undefined) {
      conn.destroy();
      return { cancellation: { outcome: lostOutcome, done: Promise.resolve() }, settled() {} };
    }
    this.#onTheirWay.push(cancellation.done);
    const deadline = setTimeout(() => conn.destroy(), SETTLE_MILLIS).unref();
    return { cancellation, settled: () => clearTimeout(deadline) };
  }

  /** Fires when none is on its way. */
  async arrived(): Promise<void> {
    while (this.#onTheirWay.length > 0) await this.#onTheirWay.pop();
  }
}
