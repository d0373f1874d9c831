import type { Deferred } from "./deferred.js";

/** Sees the result at its place in a chain, and leaves it as it is. It must not throw. */
export interface Observer {
  /**
   * @param result a Failure when `failed`
   * @returns a Deferred that it has settled by this, whose chain is still to be run
   */
  observe(result: unknown, failed: boolean): Deferred<unknown> | undefined;
}

/** A step of a chain: a function, a Deferred that waits for this one, or somebody who looks on. */
export type Step = ((result: never) => unknown) | Deferred<unknown> | Handover | Observer;

/** A link in the chain of a Deferred. Where a side has no step, the result goes by. */
export class Link {
  readonly onValue: Step | undefined;
  readonly onFailure: Step | undefined;
  next: Link | undefined = undefined;

  constructor(onValue: Step | undefined, onFailure: Step | undefined) {
    this.onValue = onValue;
    this.onFailure = onFailure;
  }
}

/** The step of `chainDeferred`: fires another Deferred with the result. */
export class Handover {
  readonly to: Deferred<unknown>;

  constructor(to: Deferred<unknown>) {
    this.to = to;
  }
}
