/** node:sqlite numbers SQLite's result codes; they get their names, and by those their classes. */
import { classify as classifyByName } from "../better-sqlite3/errors.js";

/** Primary codes by number. @see https://www.sqlite.org/rescode.html */
const PRIMARY = [
  "SQLITE_OK",
  "SQLITE_ERROR",
  "SQLITE_INTERNAL",
  "SQLITE_PERM",
  "SQLITE_ABORT",
  "SQLITE_BUSY",
  "SQLITE_LOCKED",
  "SQLITE_NOMEM",
  "SQLITE_READONLY",
  "SQLITE_INTERRUPT",
  "SQLITE_IOERR",
  "SQLITE_CORRUPT",
  "SQLITE_NOTFOUND",
  "SQLITE_FULL",
  "SQLITE_CANTOPEN",
  "SQLITE_PROTOCOL",
  "SQLITE_EMPTY",
  "SQLITE_SCHEMA",
  "SQLITE_TOOBIG",
  "SQLITE_CONSTRAINT",
  "SQLITE_MISMATCH",
  "SQLITE_MISUSE",
  "SQLITE_NOLFS",
  "SQLITE_AUTH",
  "SQLITE_FORMAT",
  "SQLITE_RANGE",
  "SQLITE_NOTADB",
] as const;

/** The extended codes whose class is not that of their primary one. */
const EXTENDED: ReadonlyMap<number, string> = new Map([
  [275, "SQLITE_CONSTRAINT_CHECK"],
  [787, "SQLITE_CONSTRAINT_FOREIGNKEY"],
  [1299, "SQLITE_CONSTRAINT_NOTNULL"],
  [1555, "SQLITE_CONSTRAINT_PRIMARYKEY"],
  [1811, "SQLITE_CONSTRAINT_TRIGGER"],
  [2067, "SQLITE_CONSTRAINT_UNIQUE"],
  [2579, "SQLITE_CONSTRAINT_ROWID"],
  [3091, "SQLITE_CONSTRAINT_DATATYPE"],
  [517, "SQLITE_BUSY_SNAPSHOT"],
]);

/** Runs `call`; an error of SQLite leaves it with the code's name, as better-sqlite3 gives it. */
export function withNamedCode<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw named(error);
  }
}

/** The same for what is called step by step. */
export function* stepsWithNamedCode<T>(steps: Iterable<T>): IterableIterator<T> {
  try {
    yield* steps;
  } catch (error) {
    throw named(error);
  }
}

export function classify(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === "ERR_INVALID_STATE" || code === "ERR_INVALID_ARG_VALUE") return "ProgrammingError";
  if (code === "ERR_INVALID_ARG_TYPE" || code === "ERR_OUT_OF_RANGE") return "DataError";
  return classifyByName(error);
}

function named(error: unknown): unknown {
  const number = (error as { readonly errcode?: unknown }).errcode;
  if (error instanceof Error && typeof number === "number") Object.assign(error, { code: nameOf(number) });
  return error;
}

function nameOf(number: number): string {
  return EXTENDED.get(number) ?? PRIMARY[number & 0xff] ?? `SQLITE_${number}`;
}
