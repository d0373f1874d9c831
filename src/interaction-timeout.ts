import { type Outcome, StatementTimeout } from "./errors.js";

/** What an interaction fails with when its time is over. */
export function interactionTimeout(
  timeoutMillis: number | undefined,
  outcome: Outcome,
  cause?: unknown,
): StatementTimeout {
  const message = `the interaction's ${timeoutMillis} ms (timeoutMillis) were over; outcome: ${outcome}`;
  return new StatementTimeout(message, { outcome, ...(cause === undefined ? {} : { cause }) });
}
