/** What stands in the chain of a Deferred, which is a type parameter here: this file lies below it. */

/** Sees the result at its place in a chain, and leaves it as it is. It must not throw. */
export interface Observer<D> {
  /**
   * @param result a Failure when `failed`
   * @returns a Deferred that it has settled by this, whose chain is still to be run
   */
  observe(result: unknown, failed: boolean): D | undefined;
}

/** A step of a chain: a function, a Deferred that waits for this one, or an observer. */
export type Step<D> = ((result: never) => unknown) | D | Handover<D> | Observer<D>;

/** A link in the chain of a Deferred. Where a side has no step, the result goes by. */
export class Link<D> {
  readonly onValue: Step<D> | undefined;
  readonly onFailure: Step<D> | undefined;
  next: Link<D> | undefined = undefined;

  constructor(onValue: Step<D> | undefined, onFailure: Step<D> | undefined) {
    this.onValue = onValue;
    this.onFailure = onFailure;
  }
}

/** The step of `chainDeferred`: fires another Deferred with the result. */
export class Handover<D> {
  readonly to: D;

  constructor(to: D) {
    this.to = to;
  }
}
