/** Transactions as MySQL and MariaDB have them: how they begin, and what the server's status word says of them. */
import { firstWord, withoutComments } from "../../src/statement/sql-comments.js";
import { callsOnly } from "../common/calls.js";
import type { SessionState, TransactionOptions } from "../driver.js";

/** Bits of the status word that ends each answer. @see https://mariadb.com/kb/en/ok_packet/#server-status-flag */
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;

/** A session that has just begun. */
export const FRESH_STATUS = AUTOCOMMIT;

/** Without autocommit the next statement opens a transaction of its own, and nobody may build on such a session. */
export function stateOf(status: number): SessionState {
  if ((status & IN_TRANSACTION) !== 0) return "in transaction";
  return (status & AUTOCOMMIT) === 0 ? "unknown" : "idle";
}

/** Whether a transaction ended in between, in a session without autocommit. */
export function ended(before: number, after: number): boolean {
  return (before & IN_TRANSACTION) !== 0 && (after & (IN_TRANSACTION | AUTOCOMMIT)) === 0;
}

const ENDS = /^\s*(?:commit|start\s+transaction|begin(?!\s+not\b)|rollback(?!(?:\s+work)?\s+to\b))\b/i;
const MAY_END = /^\s*(?:commit|start|begin|rollback|--|#|\/\*)/i;
/** As the server reads comments. */
const STYLE = { mysql: true } as const;

/**
 * Whether a text ends the transaction that it is in: BEGIN commits it, and `completion_type` can make each COMMIT begin
 * another.
 */
export function endsTransaction(sql: string): boolean {
  return MAY_END.test(sql) && ENDS.test(withoutComments(sql, STYLE));
}

/** The statements that begin a transaction, each awaited: SET TRANSACTION is for the next one alone. */
export function beginStatements(options: TransactionOptions): readonly string[] {
  const start = options.readOnly === true ? "START TRANSACTION READ ONLY" : "START TRANSACTION";
  if (options.isolation === undefined) return [start];
  return [`SET TRANSACTION ISOLATION LEVEL ${options.isolation.toUpperCase()}`, start];
}

const LASTING =
  /;|\b(?:for\s+update|for\s+share|lock\s+in|into|get_lock|release_\w+|sleep|benchmark|wait\w*|nextval|next\s+value|procedure)\b/i;

/** A plain SELECT: no locks that outlast it, no writing, no sleeping, nothing that talks to other sessions. */
export function stackable(sql: string): boolean {
  return /^\s*select\b/i.test(sql) && !LASTING.test(sql);
}

const HARMLESS = new Set(
  "in exists and or not where on from join select as by having count sum min max avg coalesce".split(" "),
);
const VARIABLE_OR_COMMENT = /@|\/\*|--|#/;

/**
 * A stackable text that neither calls what might write nor assigns: run twice it is as if run once. A comment could
 * hide a call.
 */
export function repeatable(sql: string): boolean {
  return stackable(sql) && callsOnly(sql, HARMLESS) && !VARIABLE_OR_COMMENT.test(sql);
}

/** Comments may stand before it, but for those that a server executes. */
const ORDINARY = new Set(
  "select insert update delete replace show desc describe explain with values table".split(" "),
);

/**
 * Whether a text can neither begin nor end a transaction, but for the one that autocommit makes of it. Others can, and
 * an answer of rows or an error does not always tell: CALL, ANALYZE TABLE (it commits), BEGIN NOT ATOMIC, EXECUTE
 * IMMEDIATE.
 */
export function ordinary(sql: string): boolean {
  return ORDINARY.has(firstWord(sql, "(", STYLE)) && !sql.includes(";");
}

const SESSION_VALUES =
  /@|\b(?:last_insert_id|row_count|found_rows|get_lock|release_lock|release_all_locks)\b/i;

/**
 * Whether a text may read or change what no savepoint puts back, and the library's own statements between two lists may
 * move: variables, the last key, counts, locks.
 */
export function usesSessionValues(sql: string): boolean {
  return SESSION_VALUES.test(sql);
}

/** The status of an answer of rows that brought none: without autocommit even a SELECT opens a transaction. */
export function afterRows(status: number): number {
  return (status & AUTOCOMMIT) === 0 ? status | IN_TRANSACTION : status;
}
