/** What an error says of the statement, of the session and of the server, by its number. */
import { StatementTimeout } from "../../../src/errors/classes.js";
import { ordinary } from "../text.js";
import { classOf, isLoss } from "./classes.js";
import { isOfServer } from "./sender.js";
import type { ServerError } from "./server-error.js";

/**
 * Deadlocks and lost races: the same work may well succeed when it is run again as a whole. 1205 is a lock that came
 * too late.
 */
export const RETRYABLE = new Set([1020, 1205, 1213, 1461, 1614, 3058, 3572]);

/** The server says so, and hangs up. */
export const ER_NET_PACKET_TOO_LARGE = 1153;

/** KILL QUERY was sent. */
export const ER_QUERY_INTERRUPTED = 1317;

/** A server, or a node of Galera without the others, that has become read-only: what was refused was not begun. */
const READ_ONLY_MODE = new Set([1836, 1047]);
const ER_OPTION_PREVENTS_STATEMENT = 1290;
const ER_READ_ONLY_TRANSACTION = 1792;

/** Errors of transactions that are read-only, and that the caller did not begin so. */
const notByCaller = new WeakSet<ServerError>();

/**
 * Whether the server refused since it takes no writes. `byCaller`: the caller began the transaction as read-only. An
 * error keeps the answer that was given for it first.
 */
export function isReadOnlyServer(error: ServerError, byCaller = true): boolean {
  const { errno, message } = error;
  if (errno === ER_READ_ONLY_TRANSACTION) {
    if (!byCaller) notByCaller.add(error);
    return notByCaller.has(error);
  }
  // The option's name is the same in every language.
  return errno === ER_OPTION_PREVENTS_STATEMENT
    ? /read[-_]only/.test(message)
    : READ_ONLY_MODE.has(Number(errno));
}

/** Stopped by a KILL QUERY, or by the server's own limits of time. */
export function isInterrupted(error: ServerError): boolean {
  return error.errno === ER_QUERY_INTERRUPTED || classOf(error) === StatementTimeout;
}

/** Says nothing against the statement: run again it may well succeed. */
export function isPassing(error: ServerError): boolean {
  return isInterrupted(error) || RETRYABLE.has(Number(error.errno));
}

/** `max_prepared_stmt_count`, of all sessions together. */
const ER_MAX_PREPARED_STMT_COUNT_REACHED = 1461;

/**
 * The server has no room for one more prepared statement: nothing was run, but what stands before it in a procedure.
 */
export function isFull({ errno }: Pick<ServerError, "errno">): boolean {
  return errno === ER_MAX_PREPARED_STMT_COUNT_REACHED;
}

/** Named in the message, in every language, where the statement was one of the protocol's. */
const BY_PROTOCOL = "mysqld_stmt_";

/**
 * The server dropped this prepared statement, or cannot use it any more: nothing was executed. A procedure may fail the
 * same way at an EXECUTE or a SIGNAL of its own, with all done that stands before it.
 */
export function unknownStatement(error: ServerError, sql: string): boolean {
  const { errno, sqlMessage, message } = error;
  if (errno !== 1243 && errno !== 1615) return false;
  return ordinary(sql) || (errno === 1243 && (sqlMessage ?? message).includes(BY_PROTOCOL));
}

/** SQLSTATEs for which mariadb calls a server's error fatal: a SIGNAL may set them, an interruption has one. */
const FATAL_STATES = /^08|^70100$/;

/** Whether the session is of no use after this error. mysql2 does not call 1153 fatal. */
export function endsSession(error: ServerError): boolean {
  const { errno, fatal, sqlState } = error;
  if (errno === ER_NET_PACKET_TOO_LARGE || isLoss(error)) return true;
  return fatal === true && !(isOfServer(errno) && FATAL_STATES.test(sqlState ?? ""));
}
