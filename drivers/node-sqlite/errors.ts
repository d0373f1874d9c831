/** node:sqlite numbers SQLite's result codes; they get their names, and by those their classes. */
import { classify as classifyByName } from "../better-sqlite3/errors.js";

/** Primary codes by number. @see https://www.sqlite.org/rescode.html */
const PRIMARY: readonly string[] = (
  "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY SCHEMA TOOBIG " +
  "CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB"
).split(" ");

/** The extended codes whose class is not that of their primary one. */
const EXTENDED: ReadonlyMap<number, string> = new Map([
  [275, "CONSTRAINT_CHECK"],
  [787, "CONSTRAINT_FOREIGNKEY"],
  [1299, "CONSTRAINT_NOTNULL"],
  [1555, "CONSTRAINT_PRIMARYKEY"],
  [1811, "CONSTRAINT_TRIGGER"],
  [2067, "CONSTRAINT_UNIQUE"],
  [2579, "CONSTRAINT_ROWID"],
  [3091, "CONSTRAINT_DATATYPE"],
  [517, "BUSY_SNAPSHOT"],
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
  return `SQLITE_${EXTENDED.get(number) ?? PRIMARY[number & 0xff] ?? number}`;
}
