import { failureLeft } from "./defer/deferred.js";
import type { Deferred } from "./defer/index.js";
import { setOutcome } from "./error-details.js";
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

  /** All was rolled back: what this session's own work failed with can tell more than was known then. */
  undone(error: unknown): void {
    if (typeof error !== "object" || error === null || !this.#told.has(error)) return;
    if ("outcome" in error && error.outcome !== "not sent") setOutcome(error, "not applied");
  }
}
