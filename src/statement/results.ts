import type { Column, Params, Result } from "../../drivers/driver.js";
import type { StatementOptions } from "../options/call-options.js";
import { firstWord } from "./sql-comments.js";

/** A row when nothing is said of it: its columns by name. */
export type AnyRow = Record<string, unknown>;

/** A statement whose rows are to come as arrays. */
export type InArrays = [
  sql: string,
  params: Params | undefined,
  options: StatementOptions & { rowMode: "array" },
];

/** The values of an object type's columns are not known in order, so under `rowMode: "array"` they are a plain list. */
export type ArrayRow<Row> = Row extends readonly unknown[] ? Row : unknown[];

/** What `runOperation` fires with. */
export interface OperationResult {
  /** Rows affected, or returned. */
  readonly rowCount: number;
  /** A number when safe, else a bigint; undefined where the database has none (PostgreSQL: use RETURNING). */
  readonly lastInsertId: number | bigint | undefined;
}

/** All that the database said of one statement. */
export interface StatementResult<Row = AnyRow> extends OperationResult {
  /** Empty when there are none. */
  readonly rows: Row[];
  /** Empty for a statement that gives no rows. */
  readonly columns: readonly Column[];
  /**
   * What was run, in capitals: `"INSERT"`, `"CREATE TABLE"`. PostgreSQL says so itself, also behind WITH; elsewhere it
   * is the first word of the text.
   */
  readonly command: string;
  /** Of the rows that an UPDATE met (`rowCount`), how many it really changed: told by mysql2 alone. */
  readonly changedRows?: number | undefined;
}

/** What a function that an interaction runs may give: a value, or something that fires or resolves with it. */
export type Answer<T> = T | PromiseLike<T>;

export function operationOf({ rowCount, lastInsertId }: Result): OperationResult {
  return { rowCount, lastInsertId };
}

/** Of a statement with this text. */
export function resultOf(sql: string): (result: Result) => StatementResult<unknown> {
  return ({ rows, rowCount, changedRows, lastInsertId, columns, command }) => {
    const said = withoutCounts(command) || firstWord(sql, "(;").toUpperCase();
    return { rows, rowCount, changedRows, lastInsertId, columns, command: said };
  };
}

/** PostgreSQL's `INSERT 0 1` is `INSERT`. */
function withoutCounts(command: string | undefined): string | undefined {
  const counts = command?.search(/ \d/) ?? -1;
  return counts < 0 ? command : command?.slice(0, counts);
}
