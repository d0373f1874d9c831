import { AdbapiError } from "../errors/classes.js";

/**
 * Whether an interaction that failed may be run again as a whole: on a deadlock, a serialization failure, a database
 * that was busy at BEGIN, a connection lost before COMMIT was sent, a connect that failed, or no connection in time;
 * also when its function wrapped that error as the `cause` of its own. What may have been committed is never run again.
 */
export function mayBeRepeated(failure: unknown): boolean {
  for (let error = failure, depth = 0; error instanceof Error && depth < 8; error = error.cause, depth++) {
    if (error instanceof AdbapiError) return error.retryable;
  }
  return false;
}
