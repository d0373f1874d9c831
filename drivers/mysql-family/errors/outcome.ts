/** What is known of a statement that failed. */
import type { Outcome } from "../../../src/errors/classes.js";
import { firstWord } from "../../../src/statement/sql-comments.js";
import { ER_QUERY_INTERRUPTED, isFull, isInterrupted, isReadOnlyServer } from "./conditions.js";
import type { ServerError } from "./server-error.js";

/**
 * A killed SELECT did nothing; a killed write may have kept some rows of a table without transactions, a CALL what it
 * committed.
 */
export function cancelled(error: unknown, sql: string): Outcome | undefined {
  return (error as ServerError | undefined)?.errno === ER_QUERY_INTERRUPTED ? ofEnded(sql) : undefined;
}

/** What is known of a statement by what ended it, and by its text. */
export function outcomeOf(fault: ServerError, sql: string | undefined): Outcome | undefined {
  if (isInterrupted(fault)) return ofEnded(sql);
  if (!NO_LOCK.has(Number(fault.errno)) && !isFull(fault) && !isReadOnlyServer(fault)) return undefined;
  return IN_PIECES.has(wordOf(sql)) || sql?.includes(";") ? "unknown" : "not applied";
}

/** A lock did not come in time: no row was changed for want of it. */
const NO_LOCK = new Set([1205, 3572]);

function ofEnded(sql: string | undefined): Outcome {
  return wordOf(sql) === "select" ? "not applied" : "unknown";
}

/** These may have committed a part before. */
const IN_PIECES = new Set(["call", "execute", "begin", "if", "for", "while", "loop", "case"]);

function wordOf(sql = ""): string {
  return firstWord(sql, "(", { mysql: true });
}
