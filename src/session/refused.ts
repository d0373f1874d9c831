import { muteUnhandled } from "../defer/deferred.js";
import { type Deferred, fail } from "../defer/index.js";

/** The answer to a statement that a transaction does not take: its interaction answers for it, if nobody else does. */
export function refused(error: unknown): Deferred<never> {
  const deferred = fail(error) as unknown as Deferred<never>;
  muteUnhandled(deferred);
  return deferred;
}
