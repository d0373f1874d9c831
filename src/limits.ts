import { unwatchAbort, watchAbort } from "./abort-watch.js";

/** What may end a piece of work from outside: its time, and its caller's signal. Most work has neither, and no such object. */
export class Limits {
  readonly timeoutMillis: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(
    timeoutMillis: number | undefined,
    signal: AbortSignal | undefined,
    work: { expire(): void; cancel(cause: unknown): void },
  ) {
    this.timeoutMillis = timeoutMillis;
    this.#signal = signal;
    this.#onAbort = () => work.cancel(signal?.reason);
    if (timeoutMillis !== undefined) this.#timer = setTimeout(() => work.expire(), timeoutMillis);
    if (signal !== undefined) watchAbort(signal, this.#onAbort);
  }

  /** The time begins anew. */
  restart(): void {
    this.#timer?.refresh();
  }

  /** The work is over: nothing is left behind. */
  clear(): void {
    clearTimeout(this.#timer);
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this.#onAbort);
  }
}
