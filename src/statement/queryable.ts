import type { Column, Params, Result } from "../../drivers/driver.js";
import type { Deferred } from "../defer/index.js";
import { InterfaceError } from "../errors/classes.js";
import type { Transaction } from "../interaction/transaction.js";
import type { InteractionOptions, StatementOptions } from "../options/call-options.js";

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
  /** Of the rows that an UPDATE met (`rowCount`), how many it really changed: told by mysql2 alone. */
  readonly changedRows?: number | undefined;
}

/** What a function that an interaction runs may give: a value, or something that fires or resolves with it. */
export type Answer<T> = T | PromiseLike<T>;

/**
 * The verbs that a pool and a transaction share: a function written against it runs on either.
 */
export interface Queryable {
  /**
   * Fires with all rows; of a statement that gives several result sets (a procedure's CALL) with those of the first, as
   * all verbs do.
   */
  runQuery<Row = unknown[]>(...statement: InArrays): Deferred<ArrayRow<Row>[]>;
  runQuery<Row = AnyRow>(sql: string, params?: Params, options?: StatementOptions): Deferred<Row[]>;
  /** Fires with the number of rows affected and the last generated key. */
  runOperation(sql: string, params?: Params, options?: StatementOptions): Deferred<OperationResult>;
  /** Fires with both: the rows and their columns, the number of rows and the last generated key. */
  runStatement<Row = unknown[]>(...statement: InArrays): Deferred<StatementResult<ArrayRow<Row>>>;
  runStatement<Row = AnyRow>(
    sql: string,
    params?: Params,
    options?: StatementOptions,
  ): Deferred<StatementResult<Row>>;
  /** The rows one by one, read from the database no faster than they are asked for. */
  runStream<Row = unknown[]>(...statement: InArrays): AsyncIterableIterator<ArrayRow<Row>>;
  runStream<Row = AnyRow>(
    sql: string,
    params?: Params,
    options?: StatementOptions,
  ): AsyncIterableIterator<Row>;
  /** Fires with what `fn` gave, once its work is committed, or released into the transaction around it. */
  runInteraction<T, Args extends unknown[]>(
    fn: (transaction: Transaction, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runInteraction<T, Args extends unknown[]>(
    options: InteractionOptions,
    fn: (transaction: Transaction, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
}

export function rowsOf(result: Result): unknown[] {
  return result.rows;
}

export function operationOf({ rowCount, lastInsertId }: Result): OperationResult {
  return { rowCount, lastInsertId };
}

export function resultOf({
  rows,
  rowCount,
  changedRows,
  lastInsertId,
  columns,
}: Result): StatementResult<unknown> {
  return { rows, rowCount, changedRows, lastInsertId, columns };
}

type Fn = (...args: never[]) => unknown;

/** Sorts out `([options,] fn, ...args)`. */
export function interactionCall(call: readonly unknown[]): {
  readonly options: InteractionOptions | undefined;
  readonly fn: Fn;
  readonly args: readonly unknown[];
} {
  const [first, second, ...rest] = call;
  if (typeof first === "function") return { options: undefined, fn: first as Fn, args: call.slice(1) };
  if (typeof second !== "function" || typeof first !== "object" || first === null) {
    throw new InterfaceError(
      "an interaction needs a function: runInteraction([options,] (transaction, ...args) => …, ...args)",
    );
  }
  return { options: first as InteractionOptions, fn: second as Fn, args: rest };
}
