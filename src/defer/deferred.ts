import { CHAIN, Chain } from "./chain.js";
import { checkMillis } from "./checks.js";
import { CancelledError, TimeoutError } from "./errors.js";
import { Failure } from "./failure.js";
import { INSPECT, type Inspect, type InspectOptions } from "./inspect.js";
import { Handover, Link, type Step } from "./observer.js";
import { recapture, Settlement } from "./settlement.js";

/** What a chain goes on with after a callback that returned an `R`. */
export type Fired<R> = Awaited<Exclude<R, Failure>>;

/**
 * A result that is not there yet, and the chain of callbacks that it will run through. They run synchronously
 * once there is a result: at `callback()`, or when they are added to a Deferred that has one. It fits wherever a
 * `Promise<T>` is asked for.
 * @see https://docs.twisted.org/en/stable/core/howto/defer.html
 */
export class Deferred<T> implements Promise<T> {
  readonly #chain: Chain;

  /** @param canceller called by `cancel()`; if it does not fire the Deferred, that fails with CancelledError. */
  constructor(canceller?: (deferred: Deferred<T>) => void) {
    this.#chain = new Chain(this, canceller);
  }

  /** Fires as the promise does. `cancel()` lets go of it: a promise itself cannot be cancelled. */
  static fromPromise<T>(promise: PromiseLike<T>): Deferred<Awaited<T>> {
    const deferred = new Deferred<Awaited<T>>();
    deferred.#chain.settledBy(promise);
    return deferred;
  }

  /** Whether it has been fired, by `callback`, `errback` or `cancel`. Its chain may still be waiting. */
  get called(): boolean {
    return this.#chain.fired;
  }

  /** Fires with a value. @throws AlreadyCalledError a second time */
  callback(value: T): void {
    if (value instanceof Deferred) {
      throw new TypeError("callback(aDeferred): return it from a callback instead, or use chainDeferred");
    }
    this.#chain.fire(value)?.run();
  }

  /** Fires with an error. @throws AlreadyCalledError a second time */
  errback(failureOrError: unknown): void {
    this.#chain.fire(Failure.of(failureOrError))?.run();
  }

  /**
   * Both sides of one link: only one of them runs, and neither sees the errors of the other.
   * Each may return a value, a Failure, or a Deferred or thenable that the chain then waits for.
   */
  addCallbacks<R = T, E = never, A extends unknown[] = [], B extends unknown[] = []>(
    callback: ((value: T, ...args: A) => R) | null | undefined,
    errback?: ((failure: Failure, ...args: B) => E) | null,
    callbackArgs?: A,
    errbackArgs?: B,
  ): Deferred<Fired<R> | Fired<E>> {
    const onValue = callback == null ? undefined : toStep(callback, callbackArgs);
    const onFailure = errback == null ? undefined : toStep(errback, errbackArgs);
    return this.#append(new Link<Chain>(onValue, onFailure));
  }

  /** Runs `fn` with a value; a failure goes by. */
  addCallback<R, A extends unknown[]>(fn: (value: T, ...args: A) => R, ...args: A): Deferred<Fired<R>> {
    return this.#append(new Link<Chain>(toStep(fn, args), undefined));
  }

  /** Runs `fn` with a failure; a value goes by. */
  addErrback<R, A extends unknown[]>(
    fn: (failure: Failure, ...args: A) => R,
    ...args: A
  ): Deferred<T | Fired<R>> {
    return this.#append(new Link<Chain>(undefined, toStep(fn, args)));
  }

  /** Runs `fn` with whatever there is. */
  addBoth<R, A extends unknown[]>(
    fn: (result: T | Failure, ...args: A) => R,
    ...args: A
  ): Deferred<Fired<R>> {
    const step = toStep(fn, args);
    return this.#append(new Link<Chain>(step, step));
  }

  /** Fires `other` with the result; this chain goes on with undefined. */
  chainDeferred(other: Deferred<T>): Deferred<undefined> {
    const step = new Handover<Chain>(other.#chain);
    return this.#append(new Link<Chain>(step, step));
  }

  /** Holds the chain before its next callback, also from inside of one, until as many `unpause()`. */
  pause(): void {
    this.#chain.pause();
  }

  /** @throws NotPaused when there was no `pause()` */
  unpause(): void {
    this.#chain.unpause();
  }

  /**
   * Asks for the work to be given up. Before it has fired: calls the canceller, then fails with CancelledError
   * unless that has fired it. While it waits for another Deferred: cancels that one. Otherwise does nothing.
   * Never throws: what the canceller throws goes down the errback chain.
   */
  cancel(): void {
    this.#chain.cancel();
  }

  /**
   * Cancels this Deferred if there is no result here in that time, and turns the CancelledError into TimeoutError.
   * @param onTimeoutCancel replaces the latter: gets what came after the cancel, and `millis`
   */
  addTimeout<R = never>(
    millis: number,
    onTimeoutCancel?: (result: T | Failure, millis: number) => R,
  ): Deferred<T | Fired<R>> {
    checkMillis(millis);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      this.cancel();
    }, millis);
    return this.addBoth((result) => {
      clearTimeout(timer);
      if (!timedOut) return result;
      if (onTimeoutCancel !== undefined) return onTimeoutCancel(result, millis);
      if (!(result instanceof Failure) || result.check(CancelledError) === undefined) return result;
      throw new TimeoutError(`no result within ${millis} ms`, result.value);
    }) as Deferred<never>;
  }

  /** The result at this place in the chain, which it leaves as it is; a failure counts as handled. */
  toPromise(): Promise<T> {
    const settlement = new Settlement();
    this.#append(settlement);
    return settlement.promise as Promise<T>;
  }

  then<R = T, E = never>(
    onValue?: ((value: T) => R | PromiseLike<R>) | null,
    onError?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.toPromise().then(onValue, onError);
  }

  catch<E = never>(onError?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<T | E> {
    return this.toPromise().catch(onError);
  }

  finally(onSettled?: (() => void) | null): Promise<T> {
    return this.toPromise().finally(onSettled);
  }

  /** `const value = yield* deferred` in a generator of `inlineCallbacks`: waits, and has the value's type. */
  *[Symbol.iterator](): Generator<Deferred<T>, T, unknown> {
    try {
      return (yield this) as T;
    } catch (error) {
      return recapture(error as Error);
    }
  }

  get [Symbol.toStringTag](): string {
    return "Deferred";
  }

  /**
   * For `console.log`: its state as Node.js shows that of a promise, and what it is about, if that is known.
   * @internal
   */
  [INSPECT](depth: number, options: InspectOptions, inspect: Inspect): string {
    const { state, result } = this.#chain;
    const inner = (value: unknown) => inspect(value, { ...options, depth: depth - 1 });
    const { subject } = this;
    const about = subject === undefined ? "" : `, ${subject}`;
    if (state === "value") return `Deferred { ${inner(result)}${about} }`;
    if (state === "failure") return `Deferred { <rejected> ${inner((result as Failure).value)}${about} }`;
    return `Deferred { <${state}>${about} }`;
  }

  /** What the work behind it is, in one line. */
  protected get subject(): string | undefined {
    return undefined;
  }

  /** @internal */
  get [CHAIN](): Chain {
    return this.#chain;
  }

  /** @returns this, of whatever type the chain has from here */
  #append(link: Link<Chain>): Deferred<never> {
    this.#chain.append(link);
    return this as unknown as Deferred<never>;
  }
}

/**
 * A failure that is left in this Deferred is never reported: it belongs to other work, which fails with it.
 * @internal
 */
export function muteUnhandled(deferred: Deferred<unknown>): void {
  deferred[CHAIN].mute();
}

/**
 * The error at the end of a muted Deferred's chain that no errback has seen, if there is one.
 * @internal
 */
export function failureLeft(deferred: Deferred<unknown>): Error | undefined {
  return deferred[CHAIN].failureLeft;
}

function toStep<A extends unknown[]>(fn: (result: never, ...args: A) => unknown, args?: A): Step<Chain> {
  if (typeof fn !== "function") throw new TypeError(`a callback must be a function, not ${String(fn)}`);
  if (args === undefined || args.length === 0) return fn as unknown as Step<Chain>;
  return (result) => fn(result, ...args);
}
