import type { CancelledError } from "../defer/index.js";
import { literalNames } from "../defer/inspect.js";
import {
  type AdbapiError,
  ConnectionLost,
  InterfaceError,
  OperationalError,
  type Outcome,
  ProgrammingError,
  TransactionAborted,
} from "./classes.js";

/** Why nothing more runs: the interaction has ended, or was cancelled. */
export type End = AdbapiError | CancelledError;

/** A statement that was given up before it was its turn. */
export class Unsent extends OperationalError {}

literalNames({ Unsent });

/** What every use of a transaction gets after its end. */
export function overError(): InterfaceError {
  return new InterfaceError(
    "the transaction has ended and nothing was sent: use it only inside of its interaction, and await what it does there",
  );
}

/** What every use gets after its connection has died; `cause` is what that was heard by. */
export function lostError(cause: AdbapiError | undefined, outcome: Outcome): ConnectionLost {
  const why = cause === undefined ? "" : ` (${cause.message})`;
  const message = `the connection was lost earlier in this transaction${why}: nothing more is sent`;
  const { code, sqlState } = cause ?? {};
  return new ConnectionLost(message, { outcome, code, sqlState, ...(cause && { cause }) });
}

/**
 * What every use gets after the database has ended the transaction by itself; `cause` is the failure that may have made
 * it do so.
 */
export function abortedError(cause: AdbapiError | undefined): TransactionAborted {
  const message =
    "the database ended the transaction under the interaction (a deadlock, or a statement that commits or rolls back by itself, such as " +
    "COMMIT, ROLLBACK or, on MySQL, DDL): nothing more is sent";
  return new TransactionAborted(message, cause === undefined ? {} : { retryable: true, cause });
}

/**
 * A single statement, or the stream of one, opened a transaction: nothing would end it, and the next taker would be
 * inside.
 */
export function leftOpen(sql: string): ProgrammingError {
  const message =
    "the statement left a transaction open, which was rolled back: use runInteraction, or runWithConnection";
  return new ProgrammingError(message, { sql });
}

/** A session was a database of its own, and is gone. */
export function databaseLostError(whyEnded: unknown): OperationalError {
  const why =
    whyEnded instanceof Error
      ? whyEnded.message
      : "a statement on it could not be stopped, or it was of no more use";
  return new OperationalError(
    `the private database was lost with its connection (${why}): what is asked from now on finds a new, empty one`,
    whyEnded === undefined ? {} : { cause: whyEnded },
  );
}
