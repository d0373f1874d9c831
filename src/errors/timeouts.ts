import { type Outcome, StatementTimeout } from "./classes.js";

/** What an interaction fails with when its time is over. */
export function interactionTimeout(
  timeoutMillis: number | undefined,
  outcome: Outcome,
  cause?: unknown,
): StatementTimeout {
  const message = `the interaction's ${timeoutMillis} ms (timeoutMillis) were over; outcome: ${outcome}`;
  return new StatementTimeout(message, { outcome, ...(cause === undefined ? {} : { cause }) });
}

/** What a statement, or a bulk of them, fails with when its time is over. */
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
