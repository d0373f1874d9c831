import { CHAIN, type Chain } from "./chain.js";
import { Deferred } from "./deferred.js";
import { FailureGroup, FirstError } from "./errors.js";
import { Failure } from "./failure.js";
import { toDeferred } from "./functions.js";

/** What one member of a list came to. */
export type DeferredListResult<T> = [success: true, result: T] | [success: false, failure: Failure];

export interface DeferredListOptions {
  /** Fire as soon as one member succeeds, with `[value, index]`. Default false. */
  readonly fireOnOneCallback?: boolean | undefined;
  /** Fail as soon as one member fails, with FirstError. Default false. */
  readonly fireOnOneErrback?: boolean | undefined;
  /**
   * Take the failures out of the members: callbacks added to them later get undefined. Default false: the
   * members keep them. Either way they count as handled, because the list has seen them.
   */
  readonly consumeErrors?: boolean | undefined;
}

type Results<L extends readonly unknown[]> = { -readonly [K in keyof L]: DeferredListResult<Awaited<L[K]>> };

type Gathered<L extends readonly unknown[]> = { -readonly [K in keyof L]: Awaited<L[K]> };

type FiresWith<L extends readonly unknown[], O> = O extends { readonly fireOnOneCallback: true }
  ? [value: Awaited<L[number]>, index: number] | DeferredListResult<Awaited<L[number]>>[]
  : Results<L>;

/**
 * Fires with `[success, result]` for each member, in the order of the list, when the last of them has fired.
 * Members are Deferreds, thenables or plain values. `cancel()` cancels them all, and lets them fire the list.
 */
export class DeferredList<
  const L extends readonly unknown[],
  const O extends DeferredListOptions = Record<never, never>,
> extends Deferred<FiresWith<L, O>> {
  readonly #members: readonly Deferred<unknown>[];
  readonly #results: DeferredListResult<unknown>[];
  readonly #options: DeferredListOptions;
  #missing: number;

  constructor(list: L, options?: O) {
    super();
    this.#options = options ?? {};
    this.#members = list.map(toDeferred);
    this.#missing = this.#members.length;
    this.#results = new Array(this.#missing);
    if (this.#missing === 0) {
      this[CHAIN].settle(this.#options.fireOnOneCallback ? new Failure(new FailureGroup([])) : [])?.run();
    }
    this.#members.forEach((member, index) => {
      member[CHAIN].observe({ observe: (result, failed) => this.#arrived(index, result, failed) });
      if (this.#options.consumeErrors) member.addErrback(() => undefined);
    });
  }

  override cancel(): void {
    if (this.called) super.cancel();
    else for (const member of this.#members) member.cancel();
  }

  #arrived(index: number, result: unknown, failed: boolean): Chain | undefined {
    this.#results[index] = failed ? [false, result as Failure] : [true, result];
    this.#missing -= 1;
    if (failed && this.#options.fireOnOneErrback) {
      return this[CHAIN].settle(new Failure(new FirstError(result as Failure, index)));
    }
    if (!failed && this.#options.fireOnOneCallback) return this[CHAIN].settle([result, index]);
    return this.#missing === 0 ? this[CHAIN].settle(this.#results) : undefined;
  }
}

/**
 * Fires with the values of all members, in the order of the list; or with FirstError as soon as one has failed.
 * `cancel()` cancels them all.
 */
export function gatherResults<const L extends readonly unknown[]>(
  list: L,
  options?: Pick<DeferredListOptions, "consumeErrors">,
): Deferred<Gathered<L>> {
  return new DeferredList(list, { ...options, fireOnOneErrback: true }).addCallback((results) =>
    (results as readonly DeferredListResult<unknown>[]).map(([, value]) => value),
  ) as Deferred<unknown> as Deferred<Gathered<L>>;
}
