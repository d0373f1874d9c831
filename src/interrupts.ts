import type { Cancellation, DriverConnection, Statement } from "../drivers/driver.js";
import { cancelOn } from "./driver-faults.js";
import type { Outcome } from "./errors.js";

/** The longest that the server may take to settle what it was asked to stop; then the connection is destroyed. */
const SETTLE_MILLIS = 5_000;

/** Cancels of what runs on one connection that is somebody's alone. */
export class Interrupts {
  readonly #conn: DriverConnection;
  readonly #onTheirWay: Promise<void>[] = [];
  #deadline: NodeJS.Timeout | undefined;

  constructor(conn: DriverConnection) {
    this.#conn = conn;
  }

  /** Asks the server to stop what it works at. Where the driver cannot ask, the connection is destroyed, and `lostOutcome` is what is known. */
  stop(statement: Statement, lostOutcome: Outcome): Cancellation {
    const conn = this.#conn;
    const cancellation = cancelOn(conn, statement);
    if (cancellation === undefined) {
      conn.destroy();
      return { outcome: lostOutcome, done: Promise.resolve() };
    }
    this.#onTheirWay.push(cancellation.done);
    this.#deadline ??= setTimeout(() => conn.destroy(), SETTLE_MILLIS).unref();
    return cancellation;
  }

  /** What ran has settled: fires when the next may be sent, which a cancel that is still on its way must not hit. */
  async settled(): Promise<void> {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    while (this.#onTheirWay.length > 0) await this.#onTheirWay.pop();
  }
}
