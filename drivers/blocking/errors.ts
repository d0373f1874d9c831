/** Errors on their way between threads, and from there to the tree of PEP 249. */
import * as tree from "../../src/errors/classes.js";
import type { ScriptProgress } from "../driver.js";

type Kind =
  | "InterfaceError"
  | "DatabaseError"
  | "DataError"
  | "IntegrityError"
  | "UniqueViolation"
  | "ForeignKeyViolation"
  | "NotNullViolation"
  | "CheckViolation"
  | "OperationalError"
  | "TransactionAborted"
  | "DeadlockDetected"
  | "SerializationFailure"
  | "LockNotAvailable"
  | "ProgrammingError"
  | "InternalError"
  | "NotSupportedError";

const RETRYABLE: ReadonlySet<string> = new Set([
  "DeadlockDetected",
  "SerializationFailure",
  "LockNotAvailable",
]);
const KINDS: Readonly<Record<Kind, typeof tree.AdbapiError>> = {
  InterfaceError: tree.InterfaceError,
  DatabaseError: tree.DatabaseError,
  DataError: tree.DataError,
  IntegrityError: tree.IntegrityError,
  UniqueViolation: tree.UniqueViolation,
  ForeignKeyViolation: tree.ForeignKeyViolation,
  NotNullViolation: tree.NotNullViolation,
  CheckViolation: tree.CheckViolation,
  OperationalError: tree.OperationalError,
  TransactionAborted: tree.TransactionAborted,
  DeadlockDetected: tree.DeadlockDetected,
  SerializationFailure: tree.SerializationFailure,
  LockNotAvailable: tree.LockNotAvailable,
  ProgrammingError: tree.ProgrammingError,
  InternalError: tree.InternalError,
  NotSupportedError: tree.NotSupportedError,
};

/** The name of the class of the tree that an error belongs to; undefined when it is not known. */
export type Classify = (error: unknown) => string | undefined;

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
  /** The class that it will have in the tree. */
  readonly kind: string | undefined;
  readonly cancelled: boolean;
  /** Of a script. */
  readonly progress: ScriptProgress | undefined;
}

/** A script that has failed, and where. */
export class ScriptStopped extends Error {
  readonly progress: ScriptProgress;

  constructor(cause: unknown, progress: ScriptProgress) {
    super("the script has stopped", { cause });
    this.progress = progress;
  }
}

/** A statement that stopped because it was cancelled. */
export class StatementCancelled extends Error {
  override readonly name = "StatementCancelled";
  readonly code = "ADBAPI_CANCELLED";
  constructor(message = "the statement was cancelled") {
    super(message);
  }
}

/** The module's own error, as it was in its thread. */
export class BlockingError extends Error {
  override readonly name: string;
  readonly code: string | undefined;
  /** @internal */
  readonly kind: string | undefined;
  /** @internal */
  readonly progress: ScriptProgress | undefined;

  constructor(error: WireError) {
    super(error.message);
    this.name = error.name;
    this.code = error.code;
    Object.defineProperty(this, "kind", { value: error.kind });
    Object.defineProperty(this, "progress", { value: error.progress });
    if (error.stack !== undefined) this.stack = error.stack;
  }
}

export function toWire(thrown: unknown, classify?: Classify): WireError {
  const stopped = thrown instanceof ScriptStopped ? thrown : undefined;
  const error = stopped === undefined ? thrown : stopped.cause;
  const { name, message, code, stack }: NodeJS.ErrnoException =
    error instanceof Error ? error : new Error(String(error));
  return {
    name,
    message,
    code: code === undefined ? undefined : String(code),
    stack,
    kind: kindOf(name) ?? classified(error, classify),
    cancelled: error instanceof StatementCancelled,
    progress: stopped?.progress,
  };
}

export function fromWire(error: WireError): Error {
  return error.cancelled ? new StatementCancelled(error.message) : new BlockingError(error);
}

/** @param classify for errors that did not come out of a thread */
export function translate(error: unknown, classify?: Classify): tree.AdbapiError {
  if (error instanceof tree.AdbapiError) return error;
  const wire = error instanceof BlockingError ? error : toWire(error, classify);
  const kind = kindOf(wire.kind) ?? "OperationalError";
  // A statement that waited for a lock in vain has done nothing.
  const outcome = kind === "LockNotAvailable" ? "not applied" : undefined;
  return new KINDS[kind](wire.message, {
    code: wire.code,
    cause: error,
    retryable: RETRYABLE.has(kind),
    outcome,
  });
}

function kindOf(name: string | undefined): Kind | undefined {
  return name !== undefined && Object.hasOwn(KINDS, name) ? (name as Kind) : undefined;
}

/** A `classify` that throws must not hide the error that it was given. */
function classified(error: unknown, classify: Classify | undefined): string | undefined {
  try {
    return classify?.(error);
  } catch {
    return undefined;
  }
}
