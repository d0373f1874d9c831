import { CancelledError, type Deferred, fail } from "./defer/index.js";

/** The answer to a call whose signal was aborted already. */
export function cancelledBefore(signal: AbortSignal, sql: string | undefined): Deferred<never> {
  const error = new CancelledError("cancelled before it was sent", {
    cause: signal.reason,
    outcome: "not sent",
    sql,
  });
  return fail(error) as unknown as Deferred<never>;
}
