/** node:sqlite's errors: it numbers SQLite's result codes; they get their names, and by those their classes. */
import { DataError } from "../../src/errors/classes.js";
import { classify as classifyCode } from "../sqlite-family/errors.js";

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

/** Node's own codes, of what it refuses before SQLite sees it. */
const OF_NODE: ReadonlyMap<string | undefined, string> = new Map([
  ["ERR_INVALID_STATE", "ProgrammingError"],
  ["ERR_INVALID_ARG_VALUE", "ProgrammingError"],
  ["ERR_INVALID_ARG_TYPE", "DataError"],
  ["ERR_OUT_OF_RANGE", "DataError"],
]);

export function classify(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return OF_NODE.get(code) ?? classifyCode(error);
}

/** Runs `call`; an error of SQLite leaves it with the code's name, as better-sqlite3 gives it. */
export function withNamedCode<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw named(error);
  }
}

/** The same for what is called step by step. */
export function* stepsWithNamedCode<T>(steps: IterableIterator<T>): IterableIterator<T> {
  try {
    for (let step = readable(steps.next()); !step.done; step = readable(steps.next())) yield step.value;
  } catch (error) {
    throw named(error);
  } finally {
    steps.return?.();
  }
}

/**
 * The package gives undefined, and no error, where a row has a text that is longer than a string of JavaScript can be.
 */
function readable<T>(given: T | undefined): T {
  if (given !== undefined) return given;
  throw new DataError(
    "the statement was run, and its answer could not be read: it has a text that is longer than a JavaScript string can be. Select it as bytes, or in pieces",
  );
}

function named(error: unknown): unknown {
  const number = (error as { readonly errcode?: unknown }).errcode;
  if (error instanceof Error && typeof number === "number") Object.assign(error, { code: nameOf(number) });
  return error;
}

function nameOf(number: number): string {
  return `SQLITE_${EXTENDED.get(number) ?? PRIMARY[number & 0xff] ?? number}`;
}
