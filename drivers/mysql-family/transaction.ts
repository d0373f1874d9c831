/** Transactions as MySQL and MariaDB have them: how they begin, and what the server's status word says of them. */
import { withoutComments } from "../../src/statement/sql-comments.js";
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

/**
 * Whether a text ends the transaction that it is in: BEGIN commits it, and `completion_type` can make each COMMIT begin
 * another.
 */
export function endsTransaction(sql: string): boolean {
  return MAY_END.test(sql) && ENDS.test(withoutComments(sql, { mysql: true }));
}

/** The statements that begin a transaction, each awaited: SET TRANSACTION is for the next one alone. */
export function beginStatements(options: TransactionOptions): readonly string[] {
  const start = options.readOnly === true ? "START TRANSACTION READ ONLY" : "START TRANSACTION";
  if (options.isolation === undefined) return [start];
  return [`SET TRANSACTION ISOLATION LEVEL ${options.isolation.toUpperCase()}`, start];
}

/** The status of an answer of rows that brought none: without autocommit even a SELECT opens a transaction. */
export function afterRows(status: number): number {
  return (status & AUTOCOMMIT) === 0 ? status | IN_TRANSACTION : status;
}
