import { type Waiter, WaitingLine } from "./waiting-line.js";

/**
 * - `open`: takes work;
 * - `ending`: its function is over: what it asked for still runs, but a stream that it left open would never end;
 * - `closed`: its interaction is over: nothing more may be pushed.
 */
type SequenceState = "open" | "ending" | "closed";

/** Work of one session: one after the other, in the order asked. */
export class Sequence {
  readonly #line = new WaitingLine();
  readonly #start: (work: Waiter) => Promise<void>;
  state: SequenceState = "open";
  #busy = false;
  #whenIdle: (() => void)[] = [];

  /** @param start runs a piece of work; fires when the next may begin, and never rejects. */
  constructor(start: (work: Waiter) => Promise<void>) {
    this.#start = start;
  }

  get busy(): boolean {
    return this.#busy;
  }

  push(work: Waiter): void {
    this.#line.push(work);
    if (!this.#busy) void this.#run();
  }

  remove(work: Waiter): void {
    this.#line.remove(work);
  }

  /** Takes out all that has not begun. */
  *clear(): Generator<Waiter> {
    for (let first = this.#line.first; first !== undefined; first = this.#line.first) {
      this.#line.remove(first);
      yield first;
    }
  }

  /** Fires when nothing runs and nothing is left to run. */
  idle(): Promise<void> {
    if (!this.#busy) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  async #run(): Promise<void> {
    this.#busy = true;
    for (let first = this.#line.first; first !== undefined; first = this.#line.first) {
      this.#line.remove(first);
      await this.#start(first);
    }
    this.#busy = false;
    const heard = this.#whenIdle;
    this.#whenIdle = [];
    for (const hear of heard) hear();
  }
}
