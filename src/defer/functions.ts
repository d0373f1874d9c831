import { CHAIN } from "./chain.js";
import { checkMillis } from "./checks.js";
import { Deferred, type Fired } from "./deferred.js";

/** A Deferred that has been fired with this value. */
export function succeed<T>(value: T): Deferred<T>;
export function succeed(): Deferred<undefined>;
export function succeed<T>(value?: T): Deferred<T | undefined> {
  const deferred = new Deferred<T | undefined>();
  deferred.callback(value);
  return deferred;
}

/** A Deferred that has been fired with this error. */
export function fail(failureOrError: unknown): Deferred<never> {
  const deferred = new Deferred<never>();
  deferred.errback(failureOrError);
  return deferred;
}

/**
 * Calls `fn` and makes a Deferred of whatever comes of it: what it returns, what it throws, the Deferred itself
 * that it returns, or what the thenable that it returns comes to.
 */
export function maybeDeferred<R, A extends unknown[]>(fn: (...args: A) => R, ...args: A): Deferred<Fired<R>> {
  try {
    return toDeferred(fn(...args)) as Deferred<never>;
  } catch (error) {
    return fail(error);
  }
}

/** A new Deferred for what comes of calling `fn`, which is called at once. */
export function execute<R, A extends unknown[]>(fn: (...args: A) => R, ...args: A): Deferred<Fired<R>> {
  return succeed().addCallback(() => fn(...args));
}

/** Calls `fn` after that time, and fires with what comes of it. `cancel()` stops the timer. */
export function deferLater(millis: number): Deferred<undefined>;
export function deferLater<R, A extends unknown[]>(
  millis: number,
  fn: (...args: A) => R,
  ...args: A
): Deferred<Fired<R>>;
export function deferLater<R, A extends unknown[]>(
  millis: number,
  fn?: (...args: A) => R,
  ...args: A
): Deferred<Fired<R> | undefined> {
  checkMillis(millis);
  const deferred = new Deferred<undefined>(() => clearTimeout(timer));
  const timer = setTimeout(() => deferred.callback(undefined), millis);
  return fn === undefined ? deferred : deferred.addCallback(() => fn(...args));
}

/**
 * The Deferred itself, or one for this thenable or plain value.
 * @internal
 */
export function toDeferred(value: unknown): Deferred<unknown> {
  if (value instanceof Deferred) return value;
  const deferred = new Deferred<unknown>();
  deferred[CHAIN].settle(value)?.run();
  return deferred;
}
