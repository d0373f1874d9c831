/**
 * What the errors of MySQL and MariaDB servers, and of the packages, become in PEP 249's tree; the servers' numbers are
 * in `numbers.ts`.
 */
import {
  AdbapiError,
  ConnectionLost,
  DatabaseError,
  type ErrorDetails,
  InterfaceError,
  OperationalError,
  type Outcome,
  StatementTimeout,
} from "../../src/errors/classes.js";
import { hideValues } from "../../src/redact/redact.js";
import { firstWord } from "../../src/statement/sql-comments.js";
import { classOf, isLoss } from "./error-numbers.js";
import { ordinary } from "./transaction.js";

/** What both packages put on the errors that the server sent. */
export interface ServerError extends Error {
  code?: string | null | undefined;
  errno?: number | string | null | undefined;
  sqlState?: string | null | undefined;
  sqlMessage?: string | null | undefined;
  sql?: string | null | undefined;
  fatal?: boolean | undefined;
}

/**
 * Deadlocks and lost races: the same work may well succeed when it is run again as a whole. 1205 is a lock that came
 * too late.
 */
const RETRYABLE = new Set([1020, 1205, 1213, 1461, 1614, 3058, 3572]);

/** The server says so, and hangs up. */
const ER_NET_PACKET_TOO_LARGE = 1153;

/** Someone sent KILL QUERY. */
const ER_QUERY_INTERRUPTED = 1317;

/** A lock did not come in time: no row was changed for want of it. */
const NO_LOCK = new Set([1205, 3572]);

/** A server, or a node of Galera without the others, that has become read-only: what was refused was not begun. */
const READ_ONLY_MODE = new Set([1836, 1047]);
const ER_OPTION_PREVENTS_STATEMENT = 1290;
const ER_READ_ONLY_TRANSACTION = 1792;

/**
 * A killed SELECT did nothing; a killed write may have kept some rows of a table without transactions, a CALL what it
 * committed.
 */
export function cancelled(error: unknown, sql: string): Outcome | undefined {
  return (error as ServerError | undefined)?.errno === ER_QUERY_INTERRUPTED ? ofEnded(sql) : undefined;
}

/** Errors of transactions that are read-only, and that nobody on this side made so. */
const notByCaller = new WeakSet<ServerError>();

/**
 * Whether the server refused since it takes no writes. `reading`: the transaction is read-only by its caller's wish. An
 * error that was asked of once keeps its answer.
 */
export function isReadOnlyServer(error: ServerError, reading = true): boolean {
  const { errno, message } = error;
  if (errno === ER_READ_ONLY_TRANSACTION) {
    if (!reading) notByCaller.add(error);
    return notByCaller.has(error);
  }
  // The option's name is the same in every language.
  return errno === ER_OPTION_PREVENTS_STATEMENT
    ? /read[-_]only/.test(message)
    : READ_ONLY_MODE.has(Number(errno));
}

/** What is known of a statement by what ended it, and by its text. */
function outcomeOf(fault: ServerError, number: number, sql: string | undefined): Outcome | undefined {
  if (isInterrupted(fault)) return ofEnded(sql);
  if (!NO_LOCK.has(number) && !isFull(fault) && !isReadOnlyServer(fault)) return undefined;
  return IN_PIECES.has(wordOf(sql)) || sql?.includes(";") ? "unknown" : "not applied";
}

function ofEnded(sql: string | undefined): Outcome {
  return wordOf(sql) === "select" ? "not applied" : "unknown";
}

/** These may have committed a part before. */
const IN_PIECES = new Set(["call", "execute", "begin", "if", "for", "while", "loop", "case"]);

function wordOf(sql = ""): string {
  return firstWord(sql, "(", { mysql: true });
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

const FULL_ADVICE =
  "; raise it at the server, or have each session keep fewer (maxPreparedStatements of mysql2, prepareCacheLength of mariadb)";

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

/**
 * Whether the session is of no use after this error. mysql2 does not call 1153 fatal, and mariadb calls all interrupted
 * statements so (SQLSTATE 70100).
 */
export function endsSession(error: ServerError): boolean {
  const { errno, fatal, sqlState } = error;
  if (errno === ER_NET_PACKET_TOO_LARGE || isLoss(error)) return true;
  return fatal === true && sqlState !== "70100";
}

/** The facts that only one package has: which of its codes tell that the session is gone. */
export interface LossCodes {
  readonly lost: ReadonlySet<string>;
  /** The package found the session closed before it wrote anything. */
  neverSent(error: ServerError): boolean;
}

/** The error of one of the packages as one of the tree's; never throws, and shows no params. */
export function translateWith(codes: LossCodes, error: unknown, sql?: string): AdbapiError {
  if (error instanceof AdbapiError) return error;
  if (!(error instanceof Error)) return new DatabaseError(String(error), { cause: error });
  const fault = error as ServerError;
  hideValues(fault, (message) => withoutValuesOf(fault, message));
  const number = typeof fault.errno === "number" ? fault.errno : 0;
  const details = detailsOf(fault);
  if (number !== ER_NET_PACKET_TOO_LARGE && (endsSession(fault) || codes.lost.has(fault.code ?? ""))) {
    const outcome: Outcome = codes.neverSent(fault) ? "not sent" : "unknown";
    return new ConnectionLost(`The connection was lost: ${messageOf(fault)}`, { ...details, outcome });
  }
  const errorClass = classOf(fault) ?? (number > 0 ? OperationalError : DatabaseError);
  const outcome = outcomeOf(fault, number, sql);
  const refused = isReadOnlyServer(fault) && outcome === "not applied";
  return new errorClass(messageOf(fault) + (isFull(fault) ? FULL_ADVICE : ""), {
    ...details,
    retryable: refused || RETRYABLE.has(number),
    outcome,
  });
}

/** The socket has ended without a word; `cause` is how a package says that. */
export function hungUp(cause?: unknown): ConnectionLost {
  const { code, sqlState } = (cause ?? {}) as ServerError;
  return new ConnectionLost("The connection was lost: the server, or what stands before it, closed it", {
    code: code ?? "PROTOCOL_CONNECTION_LOST",
    sqlState: sqlState ?? "08S01",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A connect that failed, whatever the reason: `where` never holds the password. */
export function connectFailure(where: string, error: unknown): AdbapiError {
  if (error instanceof AdbapiError) return error;
  const fault = error instanceof Error ? (error as ServerError) : undefined;
  const reason = fault === undefined ? String(error) : messageOf(fault);
  return new OperationalError(`Cannot connect to ${where}: ${reason}`, {
    ...(fault === undefined ? {} : detailsOf(fault)),
    cause: error,
  });
}

/**
 * What a package threw at once, before it opened anything: its arguments are of the right types, and yet it refuses
 * one.
 */
export function refusedArguments(driver: string, error: unknown): unknown {
  if (!(error instanceof TypeError || error instanceof RangeError)) return error;
  return new InterfaceError(`${driver} refuses its connect arguments: ${error.message}`, { cause: error });
}

/** `host:port`, or the path of the socket. */
export function whereOf(args: { host?: unknown; port?: unknown; socketPath?: unknown }): string {
  return String(args.socketPath ?? `${args.host ?? "localhost"}:${args.port ?? 3306}`);
}

function detailsOf(fault: ServerError): ErrorDetails {
  return {
    cause: fault,
    code: fault.code ?? undefined,
    sqlState: fault.sqlState === "" || fault.sqlState === null ? undefined : fault.sqlState,
    sql: typeof fault.sql === "string" ? fault.sql : undefined,
  };
}

/** mariadb puts the session, the number and the statement around what the server said. */
function messageOf(fault: ServerError): string {
  const said = fault.sqlMessage ?? fault.message;
  return withoutValues(said === "" ? (fault.code ?? fault.name) : said, Number(fault.errno));
}

const VALUE =
  /(entry|value|value:|argument|string|text) (?:'.*'(?= for (?:key|column|function) )|'.*'(?=[^']*$))/s;

/**
 * What quotes a value, by number: servers speak many languages. Behind the value of the first ones the key is quoted.
 */
const QUOTING_KEYS = new Set([1062, 1586]);
const QUOTING = new Set([...QUOTING_KEYS, 1292, 1300, 1366, 1367, 1411, 1525]);

/** mariadb's message goes on with the statement. */
function withoutValuesOf({ sqlMessage, errno }: ServerError, message: string): string {
  const number = Number(errno);
  return typeof sqlMessage === "string" && message.includes(sqlMessage)
    ? message.replace(sqlMessage, () => withoutValues(sqlMessage, number))
    : withoutValues(message, number);
}

/** "Duplicate entry 'secret' for key 'email'" without the value, which was a param. */
function withoutValues(message: string, number: number): string {
  const english = message.replace(VALUE, "$1 '…'");
  if (english !== message || !QUOTING.has(number)) return english;
  const first = message.indexOf("'");
  let last = message.lastIndexOf("'");
  if (QUOTING_KEYS.has(number)) last = message.lastIndexOf("'", message.lastIndexOf("'", last - 1) - 1);
  return last > first ? `${message.slice(0, first)}'…'${message.slice(last + 1)}` : message;
}
