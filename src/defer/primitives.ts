import { CHAIN } from "./chain.js";
import { Deferred, type Fired } from "./deferred.js";
import { QueueOverflow, QueueUnderflow } from "./errors.js";
import { maybeDeferred } from "./functions.js";
import { WaitingList } from "./waiting-list.js";

/** One token that was acquired. `using held = await lock.acquire()` gives it back at the end of the block. */
export class Held implements Disposable {
  #giveBack: (() => void) | undefined;

  /** @internal */
  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  /** Gives the token back. A second time does nothing. */
  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** What lock and semaphore share: tokens, and the callers that wait for one, first come, first served. */
abstract class TokenHolder {
  readonly #limit: number;
  readonly #waiting = new WaitingList<Deferred<Held>>();
  #free: number;
  #handingOut = false;

  constructor(limit: number) {
    this.#limit = limit;
    this.#free = limit;
  }

  /** Fires with a Held once there is a token. `cancel()` gives up the place in the queue. */
  acquire(): Deferred<Held> {
    const deferred: Deferred<Held> = new Deferred(() => this.#waiting.remove(place));
    if (this.unclaimed > 0) {
      this.#grant(deferred);
      return deferred;
    }
    const place = this.#waiting.push(deferred);
    return deferred;
  }

  /** Gives back one token. Not to be called after `release()` of what `acquire()` fired with: that has done it. */
  release(): void {
    if (this.#free === this.#limit) throw new RangeError("release() without an acquire()");
    this.#free += 1;
    this.#handOut();
  }

  /** Acquires, calls `fn`, and releases once what it returns has fired or failed: which this fires with. */
  run<R, A extends unknown[]>(fn: (...args: A) => R, ...args: A): Deferred<Fired<R>> {
    return this.acquire().addCallback((held) =>
      maybeDeferred(fn, ...args).addBoth((result) => {
        held.release();
        return result;
      }),
    ) as Deferred<never>;
  }

  /** Tokens that are neither held nor waited for. */
  protected get unclaimed(): number {
    return Math.max(this.#free - this.#waiting.length, 0);
  }

  /** One loop for all: a long queue of users that release at once must not become a deep stack. */
  #handOut(): void {
    if (this.#handingOut) return;
    this.#handingOut = true;
    while (this.#free > 0 && this.#waiting.length > 0) this.#grant(this.#waiting.shift()!);
    this.#handingOut = false;
  }

  #grant(deferred: Deferred<Held>): void {
    const settled = deferred[CHAIN].settle(new Held(() => this.release()));
    if (settled === undefined) return; // it was fired before, and has no use for a token
    this.#free -= 1;
    settled?.run();
  }
}

/** Only one at a time. */
export class DeferredLock extends TokenHolder {
  constructor() {
    super(1);
  }

  get locked(): boolean {
    return this.unclaimed === 0;
  }
}

/** Only so many at a time. */
export class DeferredSemaphore extends TokenHolder {
  /** How many there are in all. */
  readonly limit: number;

  constructor(tokens: number) {
    if (!Number.isInteger(tokens) || tokens < 1) {
      throw new RangeError(`a semaphore needs a whole number of tokens, at least 1, not ${String(tokens)}`);
    }
    super(tokens);
    this.limit = tokens;
  }

  /** How many are free now. */
  get tokens(): number {
    return this.unclaimed;
  }
}

/** Hands objects from callers of `put` to callers of `get`, each side waiting for the other. */
export class DeferredQueue<T> {
  readonly #size: number;
  readonly #backlog: number;
  readonly #pending = new WaitingList<T>();
  readonly #waiting = new WaitingList<Deferred<T>>();

  /**
   * @param size how many objects it keeps while no caller waits for one; default unlimited
   * @param backlog how many may wait for an object; default unlimited
   */
  constructor(size = Number.POSITIVE_INFINITY, backlog = Number.POSITIVE_INFINITY) {
    this.#size = size;
    this.#backlog = backlog;
  }

  /** Objects that are not taken yet. */
  get pending(): number {
    return this.#pending.length;
  }

  /** How many callers wait for an object. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Gives the object to the caller that has waited longest, or keeps it. @throws QueueOverflow when it is full */
  put(object: T): void {
    const deferred = this.#waiting.shift();
    if (deferred !== undefined) deferred.callback(object);
    else if (this.#pending.length < this.#size) this.#pending.push(object);
    else throw new QueueOverflow(`the queue is full with ${this.#size}`);
  }

  /** Fires with the oldest object. `cancel()` gives up the place. @throws QueueUnderflow when too many wait */
  get(): Deferred<T> {
    if (this.#pending.length === 0 && this.#waiting.length >= this.#backlog) {
      throw new QueueUnderflow(`${this.#backlog} wait already, and nothing is there`);
    }
    const deferred: Deferred<T> = new Deferred(() => this.#waiting.remove(place));
    if (this.#pending.length > 0) {
      deferred.callback(this.#pending.shift() as T);
      return deferred;
    }
    const place = this.#waiting.push(deferred);
    return deferred;
  }
}
