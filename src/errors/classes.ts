/**
 * PEP 249's tree of errors, the same classes for every driver.
 * @see https://peps.python.org/pep-0249/#exceptions
 */
import { literalNames } from "../defer/inspect.js";
import { leavesNothing, type Outcome } from "./outcome.js";

export type { Outcome } from "./outcome.js";

/** What an error of the tree is made with. */
export interface ErrorDetails {
  /** The driver's own error, or whatever led to this one. */
  readonly cause?: unknown;
  /** The database's own code: `"23505"`, `"ER_DUP_ENTRY"`, `"SQLITE_CONSTRAINT_UNIQUE"`. */
  readonly code?: string | undefined;
  /** The five characters of SQLSTATE, where the database has them. */
  readonly sqlState?: string | undefined;
  /** The text of the statement. Never its params. */
  readonly sql?: string | undefined;
  /**
   * Whether the same work may succeed when it is run again as a whole. Default: true of a deadlock and a serialization
   * failure; a `ConnectionLost` goes by its `outcome`.
   */
  readonly retryable?: boolean;
  /** Where it is known. Default of a `ConnectionLost` and of a `StatementTimeout`: `"unknown"`. */
  readonly outcome?: Outcome | undefined;
}

/** The same: every error can say what is known of its work. */
export type LossDetails = ErrorDetails;

/**
 * Set on errors that are made far from the caller, in the event of a socket: the code that hands such an error to an
 * `await` gives it the stack of the one who waits, unless it is false by then.
 * @internal
 */
const farFromCaller: unique symbol = Symbol.for("adbapi.farFromCaller");

/** The root of every error of this library. */
export class AdbapiError extends Error {
  /** The database's own code, undefined when the error is the library's own. */
  readonly code: string | undefined;
  /** The five characters of SQLSTATE; undefined where the database has none, and for errors of the library. */
  readonly sqlState: string | undefined;
  /** The text of the statement that failed, never its params. */
  readonly sql: string | undefined;
  /** Whether the same work may succeed when it is run again as a whole. */
  readonly retryable: boolean;
  /**
   * What is known of the work, where the error tells: always of `ConnectionLost`, `StatementTimeout` and
   * `CancelledError`; `"not sent"` of a `PoolTimeout` and of a connect that failed.
   */
  declare readonly outcome?: Outcome;
  /** Of a script: which of its statements failed, from 1; absent where that is not known. */
  declare readonly statementNumber?: number;
  /** Of a script: where in its text the fault is, or the statement that failed begins, as an index; where known. */
  declare readonly position?: number;
  /** Of `copyRows`: which of the rows failed, from 1; absent where it was none of them alone. */
  declare readonly rowNumber?: number;
  /** @internal */
  declare [farFromCaller]: boolean;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = details.code;
    this.sqlState = details.sqlState;
    this.sql = details.sql;
    this.retryable = details.retryable ?? false;
    // Only where it is known: a caller that looks for it asks `"outcome" in error`.
    if (details.outcome !== undefined) this.outcome = details.outcome;
    Object.defineProperty(this, farFromCaller, { value: true, writable: true });
  }

  /** The name of its class, also of a subclass; minifiers leave it alone. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** This library was misused, or a driver's package is missing. Nothing reached a database. */
export class InterfaceError extends AdbapiError {}

/** The pool is closed, or closing. */
export class PoolClosed extends InterfaceError {}

/** No connection came free in `acquireTimeoutMillis`, or more than `maxWaiting` were waiting. Nothing was sent. */
export class PoolTimeout extends AdbapiError {}

/** The database, or the way to it, failed. */
export class DatabaseError extends AdbapiError {}

/** A value is out of range, of the wrong type, or cannot be represented. */
export class DataError extends DatabaseError {}

/** The relational integrity of the database would be broken. */
export class IntegrityError extends DatabaseError {}
/** The key is there already. */
export class UniqueViolation extends IntegrityError {}
/** A row that is referred to is missing, or would be. */
export class ForeignKeyViolation extends IntegrityError {}
/** A column that must have a value would have none. */
export class NotNullViolation extends IntegrityError {}
/** A CHECK of the table says no. */
export class CheckViolation extends IntegrityError {}

/** Something outside of the statement went wrong: connection, memory, locks, time. */
export class OperationalError extends DatabaseError {}

/**
 * The connection died with this work in flight; `outcome` says what is known of it. Retryable as a whole where nothing
 * of it lasts.
 */
export class ConnectionLost extends OperationalError {
  /** What is known of the work. */
  declare readonly outcome: Outcome;
  constructor(message: string, { outcome = "unknown", ...details }: LossDetails = {}) {
    super(message, { ...details, outcome, retryable: leavesNothing(outcome) });
  }
}

/** The statement, or the interaction, took longer than `timeoutMillis`; `outcome` says what is known of it. */
export class StatementTimeout extends OperationalError {
  /** What is known of the work. */
  declare readonly outcome: Outcome;
  constructor(message: string, { outcome = "unknown", ...details }: LossDetails = {}) {
    super(message, { ...details, outcome });
  }
}

/** The database ended the transaction under the interaction. Nothing of it is applied. */
export class TransactionAborted extends OperationalError {}

/**
 * Two transactions waited for each other, and this one was ended. Retryable as a whole, unless its maker says
 * otherwise.
 */
export class DeadlockDetected extends OperationalError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { retryable: true, ...details });
  }
}

/** What the transaction read has changed since. Retryable as a whole, unless its maker says otherwise. */
export class SerializationFailure extends OperationalError {
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { retryable: true, ...details });
  }
}

/** A lock did not come in time: NOWAIT, a lock timeout, SQLite's busy. */
export class LockNotAvailable extends OperationalError {}

/** Bad SQL, no such table, wrong number of params. */
export class ProgrammingError extends DatabaseError {}

/** The database reports a fault of its own. */
export class InternalError extends DatabaseError {}

/** The database, the driver or this version of Node.js cannot do that. */
export class NotSupportedError extends DatabaseError {}

literalNames({
  AdbapiError,
  InterfaceError,
  PoolClosed,
  PoolTimeout,
  DatabaseError,
  DataError,
  IntegrityError,
  UniqueViolation,
  ForeignKeyViolation,
  NotNullViolation,
  CheckViolation,
  OperationalError,
  ConnectionLost,
  StatementTimeout,
  TransactionAborted,
  DeadlockDetected,
  SerializationFailure,
  LockNotAvailable,
  ProgrammingError,
  InternalError,
  NotSupportedError,
});
