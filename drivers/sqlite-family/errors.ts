/** SQLite's result codes, in the classes of PEP 249. @see https://www.sqlite.org/rescode.html */

/** By class. A code that is not here goes by the primary code in front of it. */
const CODES: Readonly<Record<string, string>> = {
  UniqueViolation: "CONSTRAINT_UNIQUE CONSTRAINT_PRIMARYKEY CONSTRAINT_ROWID",
  ForeignKeyViolation: "CONSTRAINT_FOREIGNKEY",
  NotNullViolation: "CONSTRAINT_NOTNULL",
  CheckViolation: "CONSTRAINT_CHECK",
  IntegrityError: "CONSTRAINT",
  DataError: "CONSTRAINT_DATATYPE TOOBIG MISMATCH",
  // A transaction wants to write over what changed since its snapshot: waiting does not help, starting again does.
  SerializationFailure: "BUSY_SNAPSHOT",
  LockNotAvailable: "BUSY LOCKED",
  ProgrammingError: "RANGE ERROR",
  OperationalError:
    "AUTH PERM ABORT READONLY INTERRUPT IOERR CORRUPT NOTADB FULL CANTOPEN PROTOCOL SCHEMA NOMEM",
  NotSupportedError: "NOLFS",
  InternalError: "INTERNAL MISUSE",
};

const CLASSES: ReadonlyMap<string, string> = new Map(
  Object.entries(CODES).flatMap(([name, codes]) =>
    codes.split(" ").map((code) => [`SQLITE_${code}`, name] as const),
  ),
);

/** Messages of SQLITE_ERROR that mean a wrong value; for a wrong text SQLite has no other code. */
const WRONG_VALUES: ReadonlySet<string> = new Set([
  "integer overflow",
  "malformed JSON",
  "JSON cannot hold BLOB values",
  "JSON nested too deep",
  "json_object() labels must be TEXT",
  "FLAGS parameter to json_valid() must be between 1 and 15",
  "invalid Unicode escape",
  "ESCAPE expression must be a single character",
  "LIKE or GLOB pattern too complex",
  "argument of ntile must be a positive integer",
  "second argument to nth_value must be a positive integer",
]);
const WRONG_VALUE =
  /^(?:frame (?:start|end)ing offset must be a|the fraction argument to |(?:Inf )?input to [a-z_]{1,20}\(\))/;

/** The class of an error that carries the name of a result code as its `code`; undefined for any other error. */
export function classify(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code !== "string" || !code.startsWith("SQLITE_")) return undefined;
  const wrongValue = code === "SQLITE_ERROR" && (WRONG_VALUES.has(message) || WRONG_VALUE.test(message));
  return wrongValue ? "DataError" : classOfCode(code);
}

function classOfCode(code: string): string | undefined {
  return CLASSES.get(code) ?? CLASSES.get(primaryOf(code));
}

const UNREADABLE: ReadonlySet<string> = new Set(["SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CANTOPEN"]);

/** Whether the error says that the file is no database, or cannot be read as one. */
export function isUnreadable(error: unknown): boolean {
  return UNREADABLE.has(primaryOf(String((error as NodeJS.ErrnoException).code)));
}

function primaryOf(code: string): string {
  return /^SQLITE_[A-Z]+/.exec(code)?.[0] ?? "";
}
