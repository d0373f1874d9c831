import { AsyncResource } from "node:async_hooks";
import type { AdbapiError } from "../errors/classes.js";

/** What was asked for has an answer, or is forgotten with its asker: async hooks hear of no end. */
const NO_END = { requireManualDestroy: true };

/**
 * Something that waits for a connection. It stands in one line at most, and knows which.
 *
 * It is its caller's async context too: callbacks run in it, whoever's answer it was that set them off. A hundred
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

  /** @param type its name for async hooks. */
  constructor(type: string) {
    super(type, NO_END);
  }

  /** The wait is over without a connection: the error is the answer. */
  abstract refuse(error: AdbapiError): void;

  get waiting(): boolean {
    return this.line !== undefined;
  }
}

/** First come, first served; anyone may leave from anywhere at no cost. */
export class WaitingLine {
  #first: Waiter | undefined;
  #last: Waiter | undefined;
  #length = 0;

  get first(): Waiter | undefined {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  push(waiter: Waiter): void {
    waiter.line = this;
    waiter.ahead = this.#last;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.behind = waiter;
    this.#last = waiter;
    this.#length++;
  }

  /**
   * For work that had been taken out and comes back undone: it has its place before everyone younger, near the head.
   */
  insert(waiter: Waiter): void {
    let ahead: Waiter | undefined;
    let behind = this.#first;
    while (behind !== undefined && behind.ticket < waiter.ticket) {
      ahead = behind;
      behind = behind.behind;
    }
    waiter.line = this;
    waiter.ahead = ahead;
    waiter.behind = behind;
    if (ahead === undefined) this.#first = waiter;
    else ahead.behind = waiter;
    if (behind === undefined) this.#last = waiter;
    else behind.ahead = waiter;
    this.#length++;
  }

  remove(waiter: Waiter): void {
    if (waiter.line !== this) return;
    const { ahead, behind } = waiter;
    if (ahead === undefined) this.#first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    waiter.line = waiter.ahead = waiter.behind = undefined;
    this.#length--;
  }
}
