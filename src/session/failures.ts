import { failureLeft } from "../defer/deferred.js";
import { CancelledError, type Deferred } from "../defer/index.js";
import { StatementTimeout } from "../errors/classes.js";
import { setOutcome } from "../errors/details.js";
import type { Sequence } from "./sequence.js";

/** What failed in one session: seen by somebody or not, and what its callers were told. */
export class SessionFailures {
  readonly #failed: { readonly deferred: Deferred<unknown>; readonly sequence: Sequence }[] = [];
  readonly #told = new WeakSet<object>();

  /** Work of that line has failed; its Deferred knows whether anybody notices. */
  add(deferred: Deferred<unknown>, sequence: Sequence): void {
    this.#failed.push({ deferred, sequence });
  }

  /** The failure of that line that nobody has noticed. */
  unnoticed(sequence: Sequence): unknown {
    for (const { deferred, sequence: of } of this.#failed) {
      const failure = of === sequence ? failureLeft(deferred) : undefined;
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  told(error: object): void {
    this.#told.add(error);
  }

  /**
   * The end of all, of which a part lasts or nothing: what this session's own work failed with speaks for the whole of
   * it from now on. Until then a statement that was given up, and not sent or not applied, has said so of itself.
   */
  ended(error: unknown, partLasts: boolean): void {
    if (typeof error !== "object" || error === null || !this.#told.has(error) || !("outcome" in error))
      return;
    if (partLasts) {
      if (error instanceof StatementTimeout || error instanceof CancelledError) setOutcome(error, "unknown");
    } else if (error.outcome !== "not sent") setOutcome(error, "not applied");
  }
}
