/** SQLite's result codes, in the classes of PEP 249. @see https://www.sqlite.org/rescode.html */

/** By class. A code that is not here goes by the primary code in front of it. */
const CODES: Readonly<Record<string, string>> = {
  UniqueViolation: "CONSTRAINT_UNIQUE CONSTRAINT_PRIMARYKEY CONSTRAINT_ROWID",
  ForeignKeyViolation: "CONSTRAINT_FOREIGNKEY",
  NotNullViolation: "CONSTRAINT_NOTNULL",
  CheckViolation: "CONSTRAINT_CHECK",
  IntegrityError: "CONSTRAINT",
  DataError: "CONSTRAINT_DATATYPE TOOBIG MISMATCH",
  // A reader that would write over what changed since its snapshot: waiting does not help, starting again does.
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

export function classOfCode(code: string): string | undefined {
  return CLASSES.get(code) ?? CLASSES.get(/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? "");
}

/** What SQLite has no code for: a value was wrong, not the text. */
const WRONG_VALUES: ReadonlySet<string> = new Set([
  "integer overflow",
  "malformed JSON",
  "JSON cannot hold BLOB values",
  "JSON nested too deep",
  "json_object() labels must be TEXT",
  "FLAGS parameter to json_valid() must be between 1 and 15",
  "invalid Unicode escape",
  "ESCAPE expression must be a single character",
  "argument of ntile must be a positive integer",
  "second argument to nth_value must be a positive integer",
]);
const WRONG_VALUE =
  /^(?:frame (?:start|end)ing offset must be a|the fraction argument to |(?:Inf )?input to [a-z_]{1,20}\(\))/;

function classOfError(code: string, message: string): string | undefined {
  const wrong = code === "SQLITE_ERROR" && (WRONG_VALUES.has(message) || WRONG_VALUE.test(message));
  return wrong ? "DataError" : classOfCode(code);
}

/** better-sqlite3's own errors, which have no code, by their text. */
const OWN: readonly (readonly [RegExp, string])[] = [
  [/more than one statement/, "ProgrammingError"],
  [/contains no statements/, "ProgrammingError"],
  [/parameter/, "ProgrammingError"],
  [/does not return data|returns data/, "ProgrammingError"],
  [/too big|too large|BigInt|out of range|can only bind/i, "DataError"],
  [/directory does not exist/, "OperationalError"],
  [/busy executing/, "InterfaceError"],
  [/connection is not open/, "OperationalError"],
];

export function classify(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code === "string" && code.startsWith("SQLITE_")) return classOfError(code, message);
  if (code === "ERR_DLOPEN_FAILED") return "OperationalError";
  return error instanceof TypeError || error instanceof RangeError
    ? OWN.find(([text]) => text.test(message))?.[1]
    : undefined;
}

const UNREADABLE = new Set(["SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CANTOPEN"]);

/**
 * What makes a file useless is thrown on. Anything else is tolerated when it is opened: another process may hold it in
 * its old mode, or the file system cannot share memory, which is slower, and as correct.
 */
export function refuseUnreadable(error: unknown): void {
  const code = String((error as NodeJS.ErrnoException).code);
  if (UNREADABLE.has(/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? "")) throw error;
}
