import { redactParams } from "../redact/redact.js";
import {
  type AdbapiError,
  ConnectionLost,
  OperationalError,
  type Outcome,
  StatementTimeout,
} from "./classes.js";
import { leavesNothing } from "./outcome.js";

interface Known {
  readonly sql?: string;
  readonly params?: unknown;
  /** What becomes of all that was in flight. Absent where the error itself says what is known. */
  readonly outcome?: Outcome | undefined;
}

/**
 * Completes a driver's translated error with what only the pool knows: the statement's text, its outcome, and which
 * values must not show.
 */
export function withDetails<E extends AdbapiError>(error: E, known: Known): E {
  if (known.sql !== undefined && error.sql === undefined) set(error, "sql", known.sql);
  if (known.outcome !== undefined && "outcome" in error && error.outcome !== "not sent")
    setOutcome(error, known.outcome);
  redactParams(error, known.params);
  return error;
}

/** What has become known of a failure that says what is known. */
export function setOutcome(error: object, outcome: Outcome): void {
  if (!("outcome" in error)) return;
  // A timeout's message names its outcome.
  if (error instanceof StatementTimeout)
    reword(error, error.message.replace(`; outcome: ${error.outcome}`, `; outcome: ${outcome}`));
  set(error, "outcome", outcome);
  if (error instanceof ConnectionLost) set(error, "retryable", leavesNothing(outcome));
}

/**
 * Why no connection could be opened: nothing was sent, and where it is the server, or the way to it, that failed, the
 * next attempt may succeed.
 */
export function connectFailed<E extends AdbapiError>(error: E): E {
  set(error, "outcome", "not sent");
  if (error instanceof OperationalError) set(error, "retryable", true);
  return error;
}

/** The place in a script where it stopped: both as properties, and in words at the end of the message. */
export function stoppedAt(
  error: AdbapiError,
  script: string,
  statementNumber: number | undefined,
  position: number | undefined,
): void {
  const words: string[] = [];
  if (statementNumber !== undefined) {
    set(error, "statementNumber", statementNumber);
    words.push(`statement ${statementNumber}`);
  }
  if (position !== undefined) {
    set(error, "position", position);
    words.push(`line ${script.slice(0, position).split("\n").length}`);
  }
  if (words.length > 0) reword(error, `${error.message} (${words.join(", ")} of the script)`);
}

/** The row that it is about, counted from 1: as a property, and in words at the end of the message. */
export function atRow(error: AdbapiError, rowNumber: number): void {
  set(error, "rowNumber", rowNumber);
  reword(error, `${error.message} (row ${rowNumber})`);
}

/** Says it in other words, also at the beginning of the stack. Both stay what no list of properties shows. */
export function reword(error: AdbapiError, message: string): void {
  const { message: old, stack } = error;
  Reflect.set(error, "message", message);
  // By a function: a "$&" in the text is text.
  if (stack !== undefined)
    Reflect.set(
      error,
      "stack",
      stack.replace(old, () => message),
    );
}

/** The same failure for one more caller, who gets a stack of their own. */
export function copyOf<E extends AdbapiError>(error: E): E {
  const { message, cause, code, sqlState, sql, retryable } = error;
  const Class = error.constructor as new (message: string, details: object) => E;
  return new Class(message, { cause, code, sqlState, sql, retryable, outcome: error.outcome });
}

/** A frozen error stays as it is. */
function set(error: object, key: string, value: unknown): void {
  Reflect.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true });
}
