/** How transactions begin and end. */
import { withoutComments } from "../../src/statement/sql-comments.js";
import type { TransactionOptions } from "../driver.js";

const ENDS = /^\s*(?:commit|start\s+transaction|begin(?!\s+not\b)|rollback(?!(?:\s+work)?\s+to\b))\b/i;
const MAY_END = /^\s*(?:commit|start|begin|rollback|--|#|\/\*)/i;
const READ_ONLY = /\bread\s+only\b/i;

/**
 * Whether a text ends the transaction that it is in: BEGIN commits it, and `completion_type` can make each COMMIT begin
 * another.
 */
export function endsTransaction(sql: string): boolean {
  return MAY_END.test(sql) && ENDS.test(withoutComments(sql, { mysql: true }));
}

/** Whether a text that ends a transaction begins one that is read-only. */
export function beginsReadOnly(sql: string): boolean {
  return READ_ONLY.test(sql);
}

/** The statements that begin a transaction, each awaited: SET TRANSACTION is for the next one alone. */
export function beginStatements(options: TransactionOptions): readonly string[] {
  const start = options.readOnly === true ? "START TRANSACTION READ ONLY" : "START TRANSACTION";
  if (options.isolation === undefined) return [start];
  return [`SET TRANSACTION ISOLATION LEVEL ${options.isolation.toUpperCase()}`, start];
}
