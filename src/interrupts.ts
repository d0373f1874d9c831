import type { Cancellation, Statement } from "../drivers/driver.js";
import { cancelOn } from "./driver-faults.js";
import type { Outcome } from "./errors.js";
import type { Lease } from "./lease.js";

/** The longest that the server may take to settle what it was asked to stop; then the connection is destroyed. */
const SETTLE_MILLIS = 5_000;

/** Cancels of what runs on one connection that is somebody's alone. */
export class Interrupts {
  readonly #lease: Lease;
  readonly #onTheirWay: Promise<void>[] = [];
  #deadline: NodeJS.Timeout | undefined;

  constructor(lease: Lease) {
    this.#lease = lease;
  }

  /** Asks the server to stop what it works at. Where the driver cannot ask, the connection is destroyed, and `lostOutcome` is what is known. */
  stop(statement: Statement, lostOutcome: Outcome): Cancellation {
    const lease = this.#lease;
    const cancellation = cancelOn(lease, statement);
    if (cancellation === undefined) {
      lease.destroy();
      return { outcome: lostOutcome, done: Promise.resolve() };
    }
    this.#onTheirWay.push(cancellation.done);
    this.#deadline ??= setTimeout(() => lease.destroy(), SETTLE_MILLIS).unref();
    return cancellation;
  }

  /** What ran has settled: fires when the next may be sent, which a cancel that is still on its way must not hit. */
  async settled(): Promise<void> {
    while (this.#onTheirWay.length > 0) await this.#onTheirWay.pop();
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }
}
