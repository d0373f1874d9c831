/** SQLite's result codes, in the classes of PEP 249. @see https://www.sqlite.org/rescode.html */

/** Extended codes first; what is not here goes by the primary code in front of it. */
const CLASSES: Readonly<Record<string, string>> = {
  SQLITE_CONSTRAINT_UNIQUE: "UniqueViolation",
  SQLITE_CONSTRAINT_PRIMARYKEY: "UniqueViolation",
  SQLITE_CONSTRAINT_ROWID: "UniqueViolation",
  SQLITE_CONSTRAINT_FOREIGNKEY: "ForeignKeyViolation",
  SQLITE_CONSTRAINT_NOTNULL: "NotNullViolation",
  SQLITE_CONSTRAINT_CHECK: "CheckViolation",
  SQLITE_CONSTRAINT_DATATYPE: "DataError",
  SQLITE_CONSTRAINT: "IntegrityError",
  // A reader that would write over what changed since its snapshot: waiting does not help, starting again does.
  SQLITE_BUSY_SNAPSHOT: "SerializationFailure",
  SQLITE_BUSY: "LockNotAvailable",
  SQLITE_LOCKED: "LockNotAvailable",
  SQLITE_TOOBIG: "DataError",
  SQLITE_MISMATCH: "DataError",
  SQLITE_RANGE: "ProgrammingError",
  SQLITE_ERROR: "ProgrammingError",
  SQLITE_AUTH: "OperationalError",
  SQLITE_PERM: "OperationalError",
  SQLITE_ABORT: "OperationalError",
  SQLITE_READONLY: "OperationalError",
  SQLITE_INTERRUPT: "OperationalError",
  SQLITE_IOERR: "OperationalError",
  SQLITE_CORRUPT: "OperationalError",
  SQLITE_NOTADB: "OperationalError",
  SQLITE_FULL: "OperationalError",
  SQLITE_CANTOPEN: "OperationalError",
  SQLITE_PROTOCOL: "OperationalError",
  SQLITE_SCHEMA: "OperationalError",
  SQLITE_NOMEM: "OperationalError",
  SQLITE_NOLFS: "NotSupportedError",
  SQLITE_INTERNAL: "InternalError",
  SQLITE_MISUSE: "InternalError",
};

export function classOfCode(code: string): string | undefined {
  const primary = /^SQLITE_[A-Z]+/.exec(code)?.[0];
  if (Object.hasOwn(CLASSES, code)) return CLASSES[code];
  return primary !== undefined && Object.hasOwn(CLASSES, primary) ? CLASSES[primary] : undefined;
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
  if (typeof code === "string" && code.startsWith("SQLITE_")) return classOfCode(code);
  if (code === "ERR_DLOPEN_FAILED") return "OperationalError";
  return error instanceof TypeError || error instanceof RangeError
    ? OWN.find(([text]) => text.test(message))?.[1]
    : undefined;
}
