import { CancelledError, type Deferred, fail } from "../defer/index.js";

/** What a call fails with that was given up before anything of it was sent. */
export function unsentError(cause: unknown, sql?: string): CancelledError {
  return new CancelledError("cancelled before it was sent", { cause, outcome: "not sent", sql });
}

/** The answer to a call whose signal was aborted already. */
export function cancelledBefore(signal: AbortSignal, sql: string | undefined): Deferred<never> {
  return fail(unsentError(signal.reason, sql)) as unknown as Deferred<never>;
}
