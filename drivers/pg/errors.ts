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
} from "../../src/errors.js";
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

export function translate(error: unknown): AdbapiError {
  if (error instanceof AdbapiError) return error;
  conceal(error);
  const { message, code, severity } = factsOf(error);
  const sqlState = severity === undefined ? undefined : code;
  if (sqlState === undefined) return translateLocal(error, message, code);
  const details = { cause: error, code, sqlState, retryable: RETRYABLE.has(sqlState) || isStalePlan(error) };
  if (isTimeout(error)) return new StatementTimeout(message, { ...details, outcome: "not applied" });
  return new (classOf(error, sqlState))(message, details);
}

/** PostgreSQL has one SQLSTATE for every end from outside; only the text tells its own timeout from a cancel. */
export function cancelled(error: unknown, sql: string): Outcome | undefined {
  const { code, routine } = factsOf(error);
  if (code !== "57014" || routine !== "ProcessInterrupts" || isTimeout(error)) return undefined;
  return allOrNothing(sql) ? "not applied" : "unknown";
}

/** pg's errors repeat values in these: kept for those who ask by name, out of sight of logs. */
const VALUE_BEARING = ["detail", "where", "internalQuery"] as const;

/** So that printing the error does not print someone's data. Values in the message are the core's affair: it has the params. */
export function conceal(error: unknown): void {
  if (!(error instanceof Error)) return;
  for (const field of VALUE_BEARING) {
    if (Object.hasOwn(error, field)) Object.defineProperty(error, field, { enumerable: false });
  }
}

/** The server's own timeout ended it; what ran outside of a transaction in pieces may have left some of them. */
export function timedOut(error: unknown, sql: string): unknown {
  if (!isTimeout(error) || allOrNothing(sql)) return error;
  const { message, code } = factsOf(error);
  return new StatementTimeout(message, { cause: error, code, sqlState: code, outcome: "unknown" });
}

/** The server does not run a statement by its name any more, as the table has changed: the next time it is sent anew. */
export function isStalePlan(error: unknown): boolean {
  const { code, routine } = factsOf(error);
  return code === "0A000" && routine === "RevalidateCachedQuery";
}

function isTimeout(error: unknown): boolean {
  const { code, message } = factsOf(error);
  return code === "57014" && message.includes("statement timeout");
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
