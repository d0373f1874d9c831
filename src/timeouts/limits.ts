import { unwatchAbort, watchAbort } from "./abort-watch.js";

/**
 * The longest that a caller waits, once its time is over, to hear how the work ended: a deadline is one where no packet
 * comes through, too.
 */
const ANSWER_MILLIS = 700;

/** Work that may be ended from outside. */
export interface Limited {
  /** Its time is over: it is stopped, and its caller hears how it ended. */
  expire(): void;
  /** Nothing has ended it since: its caller hears now, whatever is known. */
  overdue(): void;
  /** Its caller wants it no more. */
  cancel(cause: unknown): void;
}

/**
 * What may end a piece of work from outside: its time, and its caller's signal. Most work has neither, and no such
 * object.
 */
export class Limits {
  readonly timeoutMillis: number | undefined;
  readonly #work: Limited;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** Whether `#timer` is that of the time itself, or of what comes after it, or nothing is left to come. */
  #phase: "running" | "expired" | "over" = "running";

  constructor(timeoutMillis: number | undefined, signal: AbortSignal | undefined, work: Limited) {
    this.timeoutMillis = timeoutMillis;
    this.#work = work;
    this.#signal = signal;
    this.#onAbort = () => work.cancel(signal?.reason);
    if (timeoutMillis !== undefined) this.#start();
    if (signal !== undefined) watchAbort(signal, this.#onAbort);
  }

  /** The time begins anew. */
  restart(): void {
    if (this.#phase === "running") this.#timer?.refresh();
    else if (this.#phase === "expired") this.#start();
  }

  /** The work is over: nothing is left behind. */
  clear(): void {
    this.#phase = "over";
    clearTimeout(this.#timer);
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this.#onAbort);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#phase = "running";
    this.#timer = setTimeout(() => this.#expire(), this.timeoutMillis);
  }

  #expire(): void {
    this.#phase = "expired";
    this.#timer = setTimeout(() => this.#work.overdue(), ANSWER_MILLIS);
    this.#work.expire();
  }
}
