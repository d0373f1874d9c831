import { InterfaceError, TransactionAborted } from "../../src/errors/classes.js";
import { firstWord, withoutComments } from "../../src/statement/sql-comments.js";
import type { TransactionOptions } from "../driver.js";

const ISOLATION = {
  "read uncommitted": " ISOLATION LEVEL READ UNCOMMITTED",
  "read committed": " ISOLATION LEVEL READ COMMITTED",
  "repeatable read": " ISOLATION LEVEL REPEATABLE READ",
  serializable: " ISOLATION LEVEL SERIALIZABLE",
} as const;

export function beginText({ isolation, readOnly = false }: TransactionOptions): string {
  if (isolation !== undefined && !Object.hasOwn(ISOLATION, isolation)) {
    throw new InterfaceError(`unknown isolation level; known are ${Object.keys(ISOLATION).join(", ")}`);
  }
  return `BEGIN${isolation === undefined ? "" : ISOLATION[isolation]}${readOnly ? " READ ONLY" : ""}`;
}

const TO_SAVEPOINT = /^\s*rollback(?:\s+work|\s+transaction)?\s+to\b/i;

/**
 * Whether a statement that was answered with this tag has ended a transaction; going back to a savepoint has the tag
 * ROLLBACK too.
 */
export function endsTransaction(tag: string, sql: string): boolean {
  return tag === "COMMIT" || (tag === "ROLLBACK" && !TO_SAVEPOINT.test(withoutComments(sql)));
}

/**
 * Whether a statement that was answered with ROLLBACK was to end its transaction otherwise: COMMIT, END, PREPARE
 * TRANSACTION.
 */
export function wantedToCommit(sql: string): boolean {
  return !["rollback", "abort"].includes(firstWord(sql));
}

/** PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and that is no error to it. */
export function rolledBack(): TransactionAborted {
  return new TransactionAborted(
    "the transaction was not committed: one of its statements had failed, so the server rolled back",
    { outcome: "not applied" },
  );
}

export function alreadyOver(): TransactionAborted {
  return new TransactionAborted(
    "the transaction was over before its commit: a statement in it said COMMIT or ROLLBACK",
  );
}
