import { StatementJob } from "../statement/statement-job.js";
import { type Waiter, WaitingLine } from "../statement/waiting-line.js";
import { Step } from "./step.js";

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
  #running: Waiter | undefined;
  #whenIdle: (() => void)[] = [];

  /** @param start runs a piece of work; fires when the next may begin, and never rejects. */
  constructor(start: (work: Waiter) => Promise<void>) {
    this.#start = start;
  }

  /** What has begun, and has not ended. */
  get running(): Waiter | undefined {
    return this.#running;
  }

  /** Whether what runs was not settled by its deadline. */
  get late(): boolean {
    const running = this.#running;
    if (running instanceof StatementJob) return running.state === "late";
    return running instanceof Step && running.late;
  }

  push(work: Waiter): void {
    this.#line.push(work);
    if (this.#running === undefined) void this.#run();
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
    if (this.#running === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  async #run(): Promise<void> {
    for (let first = this.#line.first; first !== undefined; first = this.#line.first) {
      this.#line.remove(first);
      this.#running = first;
      await this.#start(first);
    }
    this.#running = undefined;
    const heard = this.#whenIdle;
    this.#whenIdle = [];
    for (const hear of heard) hear();
  }
}
