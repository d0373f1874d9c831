/** From pg's errors to PEP 249's. */
import {
  AdbapiError,
  CheckViolation,
  ConnectionLost,
  DatabaseError,
  DataError,
  DeadlockDetected,
  type ErrorDetails,
  ForeignKeyViolation,
  IntegrityError,
  InternalError,
  LockNotAvailable,
  NotNullViolation,
  NotSupportedError,
  OperationalError,
  type Outcome,
  ProgrammingError,
  SerializationFailure,
  StatementTimeout,
  TransactionAborted,
  UniqueViolation,
} from "../../src/errors/classes.js";
import { leavesNothing } from "../../src/errors/outcome.js";
import { hideValues } from "../../src/redact/redact.js";
import type { Params } from "../driver.js";
import { mentionsName } from "./names/statement-name.js";
import { allOrNothing } from "./text.js";

type ErrorClass = new (message: string, details: ErrorDetails) => AdbapiError;

/**
 * By SQLSTATE, else by its first two characters, which name its class.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CLASSES: Readonly<Record<string, ErrorClass>> = {
  "08": ConnectionLost,
  "0A": NotSupportedError,
  "20": ProgrammingError, // case not found
  "21": ProgrammingError, // cardinality violation
  "22": DataError,
  "23": IntegrityError,
  "23001": ForeignKeyViolation, // restrict violation
  "23502": NotNullViolation,
  "23503": ForeignKeyViolation,
  "23505": UniqueViolation,
  "23514": CheckViolation,
  "25": OperationalError, // invalid transaction state
  "25001": ProgrammingError, // cannot run inside a transaction block
  "25P02": TransactionAborted,
  "25P03": ConnectionLost, // idle in transaction for too long
  "25P04": ConnectionLost, // transaction timeout
  "26": ProgrammingError, // no such prepared statement
  "28": OperationalError, // authorization
  "2D": ProgrammingError, // COMMIT in a function, or in a procedure that was called inside of a transaction
  "34": ProgrammingError, // no such cursor
  "3D": OperationalError, // no such database
  "3F": ProgrammingError, // no such schema
  "40": OperationalError,
  "40001": SerializationFailure,
  "40P01": DeadlockDetected,
  "42": ProgrammingError,
  "44": ProgrammingError, // WITH CHECK OPTION
  "53": OperationalError, // out of memory, disk, connections
  "54": OperationalError, // too complex
  "55": OperationalError,
  "55P03": LockNotAvailable,
  "57": OperationalError,
  "57P01": ConnectionLost, // pg_terminate_backend, shutdown
  "57P02": ConnectionLost, // another session crashed
  "57P03": ConnectionLost, // starting up
  "57P04": ConnectionLost, // database dropped
  "57P05": ConnectionLost, // idle for too long
  "58": OperationalError,
  P0: ProgrammingError,
  P0001: DatabaseError, // RAISE: its meaning is the author's
  XX: InternalError,
};

const RETRYABLE = new Set(["40001", "40P01"]);

/** No prepared statement of that name, or one already. */
const OF_NAMES = new Set(["26000", "42P05"]);

/** A lock that did not come, a cancel: nothing of the statement lasts, unless it commits as it goes. */
const ENDED_FROM_OUTSIDE = new Set(["55P03", "57014"]);

export function translate(error: unknown, sql = ""): AdbapiError {
  if (error instanceof AdbapiError) return error;
  hideValues(error);
  const { message, code, severity } = factsOf(error);
  const sqlState = severity === undefined ? undefined : code;
  if (sqlState === undefined) return translateLocal(error, message, code);
  const details = { cause: error, code, sqlState, retryable: RETRYABLE.has(sqlState) || isLostName(error) };
  const outcome = ENDED_FROM_OUTSIDE.has(sqlState) ? { outcome: outcomeOf(sql) } : {};
  const hint = OF_NAMES.has(sqlState) ? `; ${POOLER}` : "";
  return new (classOf(error, sqlState))(message + hint, { ...details, ...outcome });
}

/** Only a session knows whether it was this side that asked: what it did not ask for is a `StatementTimeout` by now. */
export function cancelled(error: unknown, sql: string): Outcome | undefined {
  return isInterrupt(error) ? outcomeOf(sql) : undefined;
}

/** The statement that an error of the server's ended, with what its session knows. */
export interface Ended {
  readonly sql: string;
  readonly params: Params | undefined;
  /** A cancel of this side's may have hit it. */
  readonly asked: boolean;
  readonly inTransaction: boolean;
  /** Its server takes no writes. */
  readonly readOnly: boolean;
}

/** The error as its statement's: what its code alone does not say. */
export function ended(error: unknown, statement: Ended): unknown {
  const { message, code, routine } = factsOf(error);
  const details = { cause: error, code, sqlState: code };
  if (isInterrupt(error) && !statement.asked)
    return new StatementTimeout(message, { ...details, outcome: outcomeOf(statement.sql) });
  if (statement.readOnly) {
    const outcome = outcomeOf(statement.sql);
    return new OperationalError(message, { ...details, retryable: leavesNothing(outcome), outcome });
  }
  if (code === "2D000" && statement.inTransaction)
    return new ProgrammingError(`${message}; ${CALL_ALONE}`, details);
  if (code === "22P02" && OF_JSON.test(routine ?? "") && holdsArray(statement.params))
    return new DataError(`${message}; ${JSON_ADVICE}`, details);
  return error;
}

const CALL_ALONE =
  "a procedure or a block that commits or rolls back cannot run inside of a transaction: run it by itself, with runOperation of the pool";
const POOLER = "where a pooler stands before the server, see docs/pgbouncer.md";
const JSON_ADVICE =
  "an array travels as an array of PostgreSQL's: for json and jsonb bind JSON.stringify(value)";
const OF_JSON = /^(?:json|report_parse_error)/;

function holdsArray(params: Params | undefined): boolean {
  return Array.isArray(params) && params.some(Array.isArray);
}

function outcomeOf(sql: string): Outcome {
  return allOrNothing(sql) ? "not applied" : "unknown";
}

/**
 * The server does not run a statement by its name any more, as the table has changed: the next time it is sent anew.
 */
export function isStalePlan(error: unknown): boolean {
  const { code, routine } = factsOf(error);
  return code === "0A000" && routine === "RevalidateCachedQuery";
}

/** The server does not have a name of the driver's, or has it for something else: the next time it is sent anew. */
function isLostName(error: unknown): boolean {
  const { code, message } = factsOf(error);
  return isStalePlan(error) || ((code === "26000" || code === "42P05") && mentionsName(message));
}

/**
 * A cancel, from whomever, or the server's `statement_timeout`: they differ in a message, which is in the server's
 * language.
 */
function isInterrupt(error: unknown): boolean {
  const { code, routine } = factsOf(error);
  return code === "57014" && routine === "ProcessInterrupts";
}

function classOf(error: unknown, sqlState: string): ErrorClass {
  const { routine, severity } = factsOf(error);
  if (routine === "exec_bind_message" && sqlState === "08P01") return ProgrammingError; // number of params
  if (severity === "FATAL" || severity === "PANIC") return ConnectionLost;
  return CLASSES[sqlState] ?? CLASSES[sqlState.slice(0, 2)] ?? DatabaseError;
}

/** pg gives the errors of its transport no code of their own; they are known by their text. */
function translateLocal(error: unknown, message: string, code: string | undefined): AdbapiError {
  const details = { cause: error, code };
  if (/is not queryable/.test(message))
    return new ConnectionLost(message, { ...details, outcome: "not sent" });
  if (/^Connection terminated/.test(message))
    return new ConnectionLost(`${message}: the server, or what stands before it, closed it`, details);
  if (code !== undefined) return new ConnectionLost(message, details);
  return new DatabaseError(message, details);
}

interface Facts {
  readonly message: string;
  readonly code: string | undefined;
  readonly severity: string | undefined;
  readonly routine: string | undefined;
}

export function factsOf(error: unknown): Facts {
  const from = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  return {
    message: text(from.message) ?? text(from.code) ?? String(error),
    code: text(from.code),
    severity: text(from.severity),
    routine: text(from.routine),
  };
}

export function isServerError(error: unknown): error is Error & { readonly code: string | undefined } {
  return error instanceof Error && "severity" in error;
}

/** The last that a server says in a session. */
export function endsSession(error: unknown): boolean {
  return isServerError(error) && translate(error) instanceof ConnectionLost;
}

/** What the server says to a cancelled statement, for one that it has not got. */
export function cancelledUnsent(): Error {
  return Object.assign(new Error("the statement was cancelled before it was sent"), {
    code: "57014",
    severity: "ERROR",
    routine: "ProcessInterrupts",
  });
}
