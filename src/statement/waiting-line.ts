import { AsyncResource } from "node:async_hooks";
import type { AdbapiError } from "../errors/classes.js";
import { longestTimer } from "../options/option-checks.js";

/** What was asked for has an answer, or is forgotten with its asker: async hooks hear of no end. */
export const NO_END = { requireManualDestroy: true };

/**
 * Something that waits for a connection. It stands in one line at most, and knows which.
 *
 * It is its caller's async context too: callbacks run in it, whichever answer set them off. A hundred
 * thousand may wait, and what each of them takes is copied by the garbage collector: one object rather than two, whole
 * numbers rather than fractions.
 */
export abstract class Waiter extends AsyncResource {
  /** When it was asked for, by `performance.now()`, rounded up; 0 as long as it has not had to wait. */
  since = 0;
  /** Who was asked for earlier has the lower one. */
  ticket = 0;
  /** @internal */ line: WaitingLine | undefined;
  /** @internal */ ahead: Waiter | undefined;
  /** @internal */ behind: Waiter | undefined;

  /** The wait is over without a connection: the error is the answer. */
  abstract refuse(error: AdbapiError): void;

  get waiting(): boolean {
    return this.line !== undefined;
  }
}

/** First come, first served; a waiter may leave from anywhere at no cost. */
export class WaitingLine {
  /** Both are changed here alone. */
  first: Waiter | undefined;
  length = 0;
  #last: Waiter | undefined;

  push(waiter: Waiter): void {
    waiter.line = this;
    waiter.ahead = this.#last;
    if (this.#last === undefined) this.first = waiter;
    else this.#last.behind = waiter;
    this.#last = waiter;
    this.length++;
  }

  /**
   * For work that had been taken out and comes back undone: it has its place before everything younger, near the head.
   */
  insert(waiter: Waiter): void {
    let ahead: Waiter | undefined;
    let behind = this.first;
    while (behind !== undefined && behind.ticket < waiter.ticket) {
      ahead = behind;
      behind = behind.behind;
    }
    waiter.line = this;
    waiter.ahead = ahead;
    waiter.behind = behind;
    if (ahead === undefined) this.first = waiter;
    else ahead.behind = waiter;
    if (behind === undefined) this.#last = waiter;
    else behind.ahead = waiter;
    this.length++;
  }

  remove(waiter: Waiter): void {
    if (waiter.line !== this) return;
    const { ahead, behind } = waiter;
    if (ahead === undefined) this.first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    waiter.line = waiter.ahead = waiter.behind = undefined;
    this.length--;
  }
}

/**
 * A line of work that at most `limit` connections serve at a time, with a deadline for the waiter that has waited the
 * longest. Where a database has a single writer, writes have a lane of their own.
 */
export class Lane extends WaitingLine {
  readonly limit: number;
  /** Connections that carry its work now, exclusive ones among them. */
  serving = 0;
  /** A connection that served it was given up, and its session has not ended inside of the database yet. */
  ending = false;
  readonly #timeoutMillis: number;
  readonly #onTimeout: (waiter: Waiter) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onTimeout takes a waiter out that has waited for `timeoutMillis`, and refuses it. */
  constructor(limit: number, timeoutMillis: number, onTimeout: (waiter: Waiter) => void) {
    super();
    this.limit = limit;
    this.#timeoutMillis = timeoutMillis;
    this.#onTimeout = onTimeout;
  }

  /** No connection was at hand for it: it waits, and will not wait for ever. */
  guard(waiter: Waiter): void {
    waiter.since ||= Math.ceil(performance.now());
    if (this.#timer === undefined) this.#guardFirst();
  }

  /**
   * Work that had been taken out and comes back undone, to its place near the head. If it has not waited before, it has
   * been asked for no later than the first that waits now.
   */
  putBack(waiter: Waiter): void {
    waiter.since ||= this.first?.since ?? 0;
    this.insert(waiter);
    this.close();
    this.guard(waiter);
  }

  /**
   * A connection that was given up serves it no more. Its session may hold the writer's locks until it has `ended`: the
   * next writer waits for that, when `over` is called.
   */
  abandonedBy(ended: Promise<unknown> | undefined, over: () => void): void {
    if (ended === undefined || this.limit === Number.POSITIVE_INFINITY) {
      this.serving--;
      return;
    }
    this.ending = true;
    const left = () => {
      this.ending = false;
      this.serving--;
      over();
    };
    void ended.then(left, left);
  }

  /** Leaves no timer behind. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #guardFirst(): void {
    if (this.first === undefined || this.#timeoutMillis === Number.POSITIVE_INFINITY) return;
    const wait = this.first.since + this.#timeoutMillis - performance.now();
    this.#timer = setTimeout(
      () => this.#expire(),
      Math.min(Math.max(1, Math.ceil(wait)), longestTimer),
    ).unref();
  }

  #expire(): void {
    this.#timer = undefined;
    const since = performance.now() - this.#timeoutMillis;
    while (this.first !== undefined && this.first.since <= since) this.#onTimeout(this.first);
    if (this.#timer === undefined) this.#guardFirst();
  }
}
