import { annotate, debugging, describeTrace, traceFired, traceMade } from "./debugging.js";
import { AlreadyCalledError, CancelledError, NotPaused, TimeoutError } from "./errors.js";
import { Failure } from "./failure.js";
import { Handover, Link, type Observer, type Step } from "./observer.js";
import { recapture, Settlement } from "./settlement.js";
import { isThenable } from "./thenable.js";
import { checkMillis } from "./timer.js";
import { type Alarm, calmAlarm, raiseAlarm } from "./unhandled.js";

/** What a chain goes on with after a callback that returned an `R`. */
export type Fired<R> = Awaited<Exclude<R, Failure>>;

/**
 * - `"pending"`: not fired yet
 * - `"value"`, `"failure"`: has a result for the next callback
 * - `"waiting"`: a callback has returned a Deferred, which is now the result
 */
type State = "pending" | "value" | "failure" | "waiting";

/**
 * Fires a Deferred as if a callback had returned this result: a Deferred or a thenable is waited for. Does
 * nothing to one that has been fired. Its chain is still to be run, if one is returned.
 * @internal
 */
export let settle: (deferred: Deferred<unknown>, result: unknown) => Deferred<unknown> | undefined;

/** @internal */
export let run: (deferred: Deferred<unknown> | undefined) => void;

/**
 * Shows an observer the result at the present end of the chain, which it leaves as it is.
 * @internal
 */
export let observe: (deferred: Deferred<unknown>, observer: Observer<Deferred<unknown>>) => void;

/**
 * A failure that is left in this Deferred is never reported: it belongs to other work, which fails with it.
 * @internal
 */
export let muteUnhandled: (deferred: Deferred<unknown>) => void;

/**
 * The error at the end of a muted Deferred's chain that nobody has looked at, if there is one.
 * @internal
 */
export let failureLeft: (deferred: Deferred<unknown>) => Error | undefined;

/**
 * A result that is not there yet, and the chain of callbacks that it will run through. They run synchronously
 * once there is a result: at `callback()`, or when they are added to a Deferred that has one.
 * @see https://docs.twisted.org/en/stable/core/howto/defer.html
 */
export class Deferred<T> implements PromiseLike<T> {
  #state: State = "pending";
  /** In state "failure" a Failure, in state "waiting" a Deferred. */
  #result: unknown = undefined;
  #first: Link<Deferred<unknown>> | undefined = undefined;
  #last: Link<Deferred<unknown>> | undefined = undefined;
  /** One for each `pause()`, and one while waiting. The chain moves at 0 only. */
  #holds = 0;
  #running = false;
  /** `"none"`: cancelled without one, so whoever was to fire this does not know, and may do it once. */
  #canceller: ((deferred: never) => void) | "none" | undefined;
  /** Who answers for a failure at the end of the chain: one who saw it, Node.js by now, or another for all. */
  #answering: Failure | Alarm | "another" | undefined = undefined;

  /** @param canceller called by `cancel()`; if it does not fire the Deferred, that fails with CancelledError. */
  constructor(canceller?: (deferred: Deferred<T>) => void) {
    this.#canceller = canceller;
    if (debugging) traceMade(this);
  }

  /** Fires as the promise does. `cancel()` lets go of it: a promise itself cannot be cancelled. */
  static fromPromise<T>(promise: PromiseLike<T>): Deferred<Awaited<T>> {
    const deferred = new Deferred<Awaited<T>>();
    Promise.resolve(promise).then(
      (value) => run(settle(deferred, value)),
      (error: unknown) => run(settle(deferred, new Failure(error))),
    );
    return deferred;
  }

  /** Whether it has been fired, by `callback`, `errback` or `cancel`. Its chain may still be waiting. */
  get called(): boolean {
    return this.#state !== "pending";
  }

  /** Fires with a value. @throws AlreadyCalledError a second time */
  callback(value: T): void {
    if (value instanceof Deferred) {
      throw new TypeError("callback(aDeferred): return it from a callback instead, or use chainDeferred");
    }
    if (this.#fire(value)) this.#run();
  }

  /** Fires with an error. @throws AlreadyCalledError a second time */
  errback(failureOrError: unknown): void {
    if (this.#fire(Failure.of(failureOrError))) this.#run();
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
    return this.#append(new Link(onValue, onFailure));
  }

  /** Runs `fn` with a value; a failure goes by. */
  addCallback<R, A extends unknown[]>(fn: (value: T, ...args: A) => R, ...args: A): Deferred<Fired<R>> {
    return this.#append(new Link(toStep(fn, args), undefined));
  }

  /** Runs `fn` with a failure; a value goes by. */
  addErrback<R, A extends unknown[]>(
    fn: (failure: Failure, ...args: A) => R,
    ...args: A
  ): Deferred<T | Fired<R>> {
    return this.#append(new Link(undefined, toStep(fn, args)));
  }

  /** Runs `fn` with whatever there is. */
  addBoth<R, A extends unknown[]>(
    fn: (result: T | Failure, ...args: A) => R,
    ...args: A
  ): Deferred<Fired<R>> {
    const step = toStep(fn, args);
    return this.#append(new Link(step, step));
  }

  /** Fires `other` with the result; this chain goes on with undefined. */
  chainDeferred(other: Deferred<T>): Deferred<undefined> {
    const step = new Handover(other);
    return this.#append(new Link(step, step));
  }

  /** Holds the chain before its next callback, also from inside of one, until as many `unpause()`. */
  pause(): void {
    this.#holds += 1;
  }

  /** @throws NotPaused when there was no `pause()` */
  unpause(): void {
    const pauses = this.#holds - (this.#state === "waiting" ? 1 : 0);
    if (pauses === 0) throw new NotPaused("unpause() without a pause()");
    this.#holds -= 1;
    if (this.called) this.#run();
  }

  /**
   * Asks for the work to be given up. Before it has fired: calls the canceller, then fails with CancelledError
   * unless that has fired it. While it waits for another Deferred: cancels that one. Otherwise does nothing.
   * Never throws: what the canceller throws goes down the errback chain.
   */
  cancel(): void {
    const target = this.#innermost();
    if (target === undefined) this.#leaveCircle();
    else if (target !== this) target.cancel();
    else if (this.#state === "pending") this.#cancelPending();
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
    this.#append(new Link<Deferred<unknown>>(settlement, settlement));
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

  /** The end of the line of those that wait for one another; undefined if they wait in a circle. */
  #innermost(): Deferred<unknown> | undefined {
    let target: Deferred<unknown> = this;
    let marked: Deferred<unknown> = this;
    // The mark moves ahead at every power of two: so the walk meets it in any circle, without a list of its steps.
    for (let hops = 1, nextMark = 2; target.#state === "waiting"; hops += 1) {
      target = target.#result as Deferred<unknown>;
      if (target === marked) return undefined;
      if (hops === nextMark) {
        marked = target;
        nextMark *= 2;
      }
    }
    return target;
  }

  #leaveCircle(): void {
    this.#holds -= 1;
    this.#state = "failure";
    this.#result = new Failure(new CancelledError("cancelled: it waited for itself, by way of others"));
    this.#run();
  }

  #cancelPending(): void {
    const canceller = this.#canceller;
    this.#canceller = canceller === undefined ? "none" : undefined;
    if (typeof canceller === "function") {
      try {
        canceller(this as never);
      } catch (error) {
        if (this.called) raiseAlarm(new Failure(error));
        else this.errback(error);
      }
    }
    if (!this.called) this.errback(new CancelledError());
  }

  /** Takes the result, and says whether the chain is to be run. */
  #fire(result: unknown): boolean {
    if (this.#state !== "pending") {
      if (this.#canceller !== "none") {
        throw new AlreadyCalledError(`this Deferred has been fired before${describeTrace(this)}`);
      }
      this.#canceller = undefined;
      return false;
    }
    if (debugging) traceFired(this, result);
    if (this.#canceller !== "none") this.#canceller = undefined;
    this.#result = result;
    this.#state = result instanceof Failure ? "failure" : "value";
    return this.#state === "failure" || this.#first !== undefined;
  }

  /** @returns this, of whatever type the chain has from here */
  #append(link: Link<Deferred<unknown>>): Deferred<never> {
    if (this.#last === undefined) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    if (this.#state !== "pending") {
      if (this.#answering !== undefined && link.onFailure !== undefined) this.#calm();
      this.#run();
    }
    return this as unknown as Deferred<never>;
  }

  /** Runs this chain, and those that get their results from it. A loop, so that no ladder is too high. */
  #run(): void {
    let current: Deferred<unknown> = this;
    let suspended: Deferred<unknown>[] | undefined;
    for (;;) {
      const next = current.#advance();
      if (next !== undefined) {
        if (current.#first !== undefined) {
          suspended ??= [];
          suspended.push(current);
        }
        current = next;
      } else {
        const back = suspended?.pop();
        if (back === undefined) return;
        current = back;
      }
    }
  }

  /** Runs callbacks until none is left, or the chain is held; or until another chain is to be run: that one. */
  #advance(): Deferred<unknown> | undefined {
    if (this.#running) return undefined;
    while (this.#holds === 0 && this.#first !== undefined) {
      const link: Link<Deferred<unknown>> = this.#first;
      this.#first = link.next;
      if (link.next === undefined) this.#last = undefined;
      const step = this.#state === "failure" ? link.onFailure : link.onValue;
      if (step === undefined) continue;
      if (typeof step !== "function") {
        const next = this.#show(step);
        if (next !== undefined) return next;
        continue;
      }
      this.#running = true;
      try {
        this.#accept((step as (result: unknown) => unknown)(this.#result));
      } catch (error) {
        this.#state = "failure";
        this.#result = Failure.of(error);
      }
      this.#running = false;
    }
    if (this.#state === "failure" && this.#holds === 0) this.#answer();
    return undefined;
  }

  /** Hands the result to whoever is not a function; returns the chain that this has set off. */
  #show(step: Exclude<Step<Deferred<unknown>>, (result: never) => unknown>): Deferred<unknown> | undefined {
    if (step instanceof Deferred) {
      // One that was cut out of a circle no longer waits.
      if (step.#result !== this) return undefined;
      step.#holds -= 1;
      step.#take(this);
      return step;
    }
    if (step instanceof Handover) {
      try {
        const fired = step.to.#fire(this.#result);
        this.#forget();
        return fired ? step.to : undefined;
      } catch (error) {
        this.#state = "failure";
        this.#result = new Failure(error);
        return undefined;
      }
    }
    if (this.#state === "failure") this.#see();
    return step.observe(this.#result, this.#state === "failure");
  }

  /** Makes this the result of the chain: what a callback has returned. */
  #accept(result: unknown): void {
    if (!isThenable(result)) {
      this.#state = result instanceof Failure ? "failure" : "value";
      this.#result = result;
    } else if (result instanceof Deferred) {
      this.#follow(result);
    } else {
      this.#follow(Deferred.fromPromise(result));
    }
  }

  #follow(inner: Deferred<unknown>): void {
    if (inner === this) throw new TypeError("a callback has returned the Deferred that it is a callback of");
    if (inner.#holds === 0 && inner.#first === undefined && inner.called && !inner.#running) {
      this.#take(inner);
      return;
    }
    this.#state = "waiting";
    this.#result = inner;
    this.#holds += 1;
    inner.#append(new Link(this, this));
  }

  /** Moves the result of the other one here: it is only ever in one place, and so is its error. */
  #take(other: Deferred<unknown>): void {
    this.#state = other.#state;
    this.#result = other.#result;
    other.#forget();
  }

  #forget(): void {
    if (this.#answering !== undefined) this.#calm();
    this.#state = "value";
    this.#result = undefined;
  }

  /** Somebody has seen the failure: it is not reported, and the chain keeps it. */
  #see(): void {
    this.#calm();
    this.#answering = this.#result as Failure;
  }

  /** Sees to it that somebody answers for the failure at the end of this chain. */
  #answer(): void {
    const failure = this.#result as Failure;
    if (
      this.#answering !== undefined &&
      (!(this.#answering instanceof Failure) || this.#answering === failure)
    ) {
      return;
    }
    if (debugging) annotate(failure.value, this);
    this.#answering = raiseAlarm(failure);
  }

  #calm(): void {
    if (!(this.#answering instanceof Promise)) return;
    calmAlarm(this.#answering);
    this.#answering = undefined;
  }

  static {
    settle = (deferred, result) => {
      if (deferred.#state !== "pending") return undefined;
      if (debugging) traceFired(deferred, result);
      deferred.#canceller = undefined;
      try {
        deferred.#accept(result);
      } catch (error) {
        deferred.#accept(new Failure(error));
      }
      return deferred;
    };
    run = (deferred) => {
      if (deferred !== undefined) deferred.#run();
    };
    observe = (deferred, observer) => deferred.#append(new Link(observer, observer));
    failureLeft = (deferred) => {
      const left = deferred.#state === "failure" && deferred.#answering === "another";
      return left ? (deferred.#result as Failure).value : undefined;
    };
    muteUnhandled = (deferred) => {
      deferred.#calm();
      deferred.#answering = "another";
    };
  }
}

function toStep<A extends unknown[]>(
  fn: (result: never, ...args: A) => unknown,
  args?: A,
): Step<Deferred<unknown>> {
  if (typeof fn !== "function") throw new TypeError(`a callback must be a function, not ${String(fn)}`);
  if (args === undefined || args.length === 0) return fn as unknown as Step<Deferred<unknown>>;
  return (result) => fn(result, ...args);
}
