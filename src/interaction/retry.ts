import { setTimeout as sleep } from "node:timers/promises";
import { AdbapiError } from "../errors/classes.js";
import { Backoff } from "../timeouts/backoff.js";

const FIRST_MILLIS = 10;
const LAST_MILLIS = 2_000;

/** The runs that an interaction has left, should the present one fail, and the rests before them. */
export class Retries {
  #left: number;
  #backoff: Backoff | undefined;
  #rest: AbortController | undefined;

  constructor(most: number) {
    this.#left = most;
  }

  /**
   * Whether an interaction that failed may be run again as a whole: on a deadlock, a serialization failure, a database
   * that was busy at BEGIN, a connection lost before COMMIT was sent, a connect that failed, or no connection in time;
   * also when its function wrapped that error as the `cause` of its own.
   */
  allowedAfter(failure: unknown): boolean {
    if (this.#left === 0) return false;
    for (let error = failure, depth = 0; error instanceof Error && depth < 8; error = error.cause, depth++) {
      if (error instanceof AdbapiError) return error.retryable;
    }
    return false;
  }

  /** Fires when the next run may begin, which is one less then, or at `stopResting`. */
  async rest(): Promise<void> {
    this.#left--;
    this.#backoff ??= new Backoff(FIRST_MILLIS, LAST_MILLIS);
    this.#rest = new AbortController();
    await sleep(this.#backoff.next(), undefined, { signal: this.#rest.signal }).catch(() => {});
  }

  stopResting(): void {
    this.#rest?.abort();
  }
}
