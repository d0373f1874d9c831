import type { AdbapiError } from "./errors.js";

/** Something that waits for a connection. It stands in one line at most, and knows which. */
export abstract class Waiter {
  /** When it was asked for, by `performance.now()`. */
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

  /** For work that had been taken out and comes back undone: it keeps its place before everyone younger. */
  unshift(waiter: Waiter): void {
    waiter.line = this;
    waiter.behind = this.#first;
    if (this.#first === undefined) this.#last = waiter;
    else this.#first.ahead = waiter;
    this.#first = waiter;
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
