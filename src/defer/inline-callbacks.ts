import { CHAIN, type Chain } from "./chain.js";
import { Deferred, type Fired } from "./deferred.js";
import { Failure } from "./failure.js";
import { toDeferred } from "./functions.js";
import type { Observer } from "./observer.js";

/**
 * Lets a generator function wait for Deferreds as an async function waits for promises, but without leaving the
 * present tick when the result is there: `const rows = yield* pool.runQuery(sql)`.
 *
 * `yield*` takes a Deferred and has its type; `yield` takes a Deferred, a thenable, or a plain value that it
 * gives back. A failure is thrown in at that place. Returns a Deferred for what the generator returns, which is
 * waited for too. Its `cancel()` cancels what the generator waits for; a generator that catches the
 * CancelledError may go on.
 */
export function inlineCallbacks<This, A extends unknown[], R>(
  fn: (this: This, ...args: A) => Generator<unknown, R, unknown>,
): (this: This, ...args: A) => Deferred<Fired<R>> {
  return function (this: This, ...args: A) {
    const generator = fn.apply(this, args);
    if (typeof generator?.next !== "function" || typeof generator.throw !== "function") {
      throw new TypeError("inlineCallbacks needs a function* that makes a generator");
    }
    return new Inlined(generator).start() as Deferred<never>;
  };
}

class Inlined implements Observer<Chain> {
  readonly #generator: Generator<unknown, unknown, unknown>;
  /** What the generator's end goes to. After a cancel, the one that was given out waits for another. */
  #deferred: Deferred<unknown>;
  #waitingFor: Deferred<unknown> | undefined;
  #cancelNext = false;
  /** Whether `#step` is looking for a result that is there already; it is then left in the next two. */
  #looking = false;
  #result: unknown;
  #failed = false;

  constructor(generator: Generator<unknown, unknown, unknown>) {
    this.#generator = generator;
    this.#deferred = this.#newDeferred();
  }

  start(): Deferred<unknown> {
    const deferred = this.#deferred;
    this.#step()?.run();
    return deferred;
  }

  observe(result: unknown, failed: boolean): Chain | undefined {
    this.#waitingFor = undefined;
    this.#result = result;
    this.#failed = failed;
    return this.#looking ? undefined : this.#step();
  }

  /** Runs the generator until it has to wait, or has ended: then returns the Deferred that this has settled. */
  #step(): Chain | undefined {
    for (;;) {
      let yielded: IteratorResult<unknown, unknown>;
      try {
        yielded = this.#failed
          ? this.#generator.throw((this.#result as Failure).value)
          : this.#generator.next(this.#result);
      } catch (error) {
        return this.#deferred[CHAIN].settle(Failure.of(error));
      }
      if (yielded.done) return this.#deferred[CHAIN].settle(yielded.value);

      const awaited = toDeferred(yielded.value);
      this.#waitingFor = awaited;
      this.#looking = true;
      awaited[CHAIN].observe(this);
      if (this.#cancelNext && this.#waitingFor !== undefined) this.#cancelAwaited();
      this.#looking = false;
      if (this.#waitingFor !== undefined) return undefined;
    }
  }

  #newDeferred(): Deferred<unknown> {
    return new Deferred(() => {
      const outer = this.#deferred;
      this.#deferred = this.#newDeferred();
      outer[CHAIN].settle(this.#deferred);
      this.#cancelAwaited();
    });
  }

  /** Cancels what is waited for; a generator that is running at the time has the next one cancelled. */
  #cancelAwaited(): void {
    this.#cancelNext = this.#waitingFor === undefined;
    this.#waitingFor?.cancel();
  }
}
