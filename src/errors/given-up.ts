/** What work fails with that was given up: by its caller's signal, or since its time was over. */
import { CancelledError, type Deferred, fail } from "../defer/index.js";
import { StatementTimeout } from "./classes.js";
import type { Outcome } from "./outcome.js";

/** What a call fails with that was given up before anything of it was sent. */
export function unsentError(cause: unknown, sql?: string): CancelledError {
  return new CancelledError("cancelled before it was sent", { cause, outcome: "not sent", sql });
}

/** The answer to a call whose signal was aborted already. */
export function cancelledBefore(signal: AbortSignal, sql: string | undefined): Deferred<never> {
  return fail(unsentError(signal.reason, sql)) as unknown as Deferred<never>;
}

/** What an interaction fails with when its time is over. */
export function interactionTimeout(
  timeoutMillis: number | undefined,
  outcome: Outcome,
  cause?: unknown,
): StatementTimeout {
  const message = `the interaction's ${timeoutMillis} ms (timeoutMillis) were over; outcome: ${outcome}`;
  return new StatementTimeout(message, { outcome, ...(cause === undefined ? {} : { cause }) });
}

/** What a statement, or `executeMany`, fails with when its time is over. */
export function statementTimeout(
  timeoutMillis: number | undefined,
  outcome: Outcome,
  sql: string,
  cause?: unknown,
): StatementTimeout {
  const when = outcome === "not sent" ? "waiting for a connection" : "running";
  const message = `the statement's ${timeoutMillis} ms (timeoutMillis) were over while ${when}; outcome: ${outcome}`;
  return new StatementTimeout(message, { sql, outcome, ...(cause === undefined ? {} : { cause }) });
}
