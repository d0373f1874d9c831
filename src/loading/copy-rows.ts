/** Many rows into a table, all or nothing: lots of one INSERT in one transaction, each behind a savepoint. */
import type { Dialect, Params, Paramstyle } from "../../drivers/driver.js";
import type { Deferred } from "../defer/index.js";
import {
  AdbapiError,
  DataError,
  InterfaceError,
  OperationalError,
  ProgrammingError,
} from "../errors/classes.js";
import { atRow } from "../errors/details.js";
import { type BulkOptions, type CopyOptions, checkCopyOptions } from "../options/call-options.js";
import { insertText, type TableName } from "./insert-text.js";
import { type RowLot, type RowSource, rowLots } from "./row-lots.js";

/** What of a transaction the load needs. */
interface Loader {
  executeMany(sql: string, listOfParams: readonly Params[]): PromiseLike<{ rowCount: number }>;
  runOperation(sql: string, params: Params): PromiseLike<unknown>;
  runInteraction<T>(fn: (inner: Loader) => PromiseLike<T>): PromiseLike<T>;
}

/** Where it runs: a pool's transaction, or a savepoint of one. */
export interface LoadPlace {
  readonly dialect: Dialect | undefined;
  readonly paramstyle: Paramstyle;
  runInteraction(
    limits: BulkOptions,
    fn: (transaction: Loader) => Promise<{ rowCount: number }>,
  ): Deferred<{ rowCount: number }>;
}

/** What a caller gives; `columns` in the order of a row's values. */
export type RowsToLoad = [
  table: TableName,
  columns: readonly string[],
  rows: RowSource,
  options?: CopyOptions,
];

/** `refuse` answers a call that is wrong in itself. */
export function copyRows(
  place: LoadPlace,
  refuse: (error: unknown) => unknown,
  [table, columns, rows, options]: RowsToLoad,
): Deferred<{ rowCount: number }> {
  try {
    checkCopyOptions(options);
    const names = checkedColumns(columns);
    checkSource(rows);
    const sql = insertText(table, names, place.dialect, place.paramstyle);
    const { onProgress, ...limits } = options ?? {};
    return place.runInteraction(limits, async (transaction) => {
      let rowCount = 0;
      for await (const lot of rowLots(rows, names)) {
        rowCount += await store(transaction, sql, lot);
        onProgress?.({ rowCount });
      }
      return { rowCount };
    });
  } catch (error) {
    return refuse(error) as Deferred<{ rowCount: number }>;
  }
}

function checkedColumns(columns: unknown): readonly string[] {
  if (Array.isArray(columns) && columns.length > 0) return columns.slice();
  throw new InterfaceError("copyRows needs a list of at least one column");
}

function checkSource(rows: unknown): void {
  if (typeof rows === "object" && rows !== null && (Symbol.asyncIterator in rows || Symbol.iterator in rows))
    return;
  throw new InterfaceError("copyRows needs the rows as an iterable or an async iterable");
}

async function store(transaction: Loader, sql: string, lot: RowLot): Promise<number> {
  try {
    const { rowCount } = await transaction.runInteraction((inner) => inner.executeMany(sql, lot.rows));
    return rowCount;
  } catch (error) {
    if (ofRow(error)) await findBadRow(transaction, sql, lot);
    throw error;
  }
}

/** Whether the failure may be that of one row; what is wrong with the table, or the session, is that of all of them. */
function ofRow(error: unknown): boolean {
  if (error instanceof OperationalError || error instanceof ProgrammingError) return false;
  return error instanceof AdbapiError;
}

/**
 * The database tells of many rows only that one of them failed. The lot has left nothing, so its rows are run one by
 * one until one fails; when none does, the caller has the first failure.
 */
async function findBadRow(transaction: Loader, sql: string, { rows, first }: RowLot): Promise<void> {
  let rowNumber = first;
  let found: unknown;
  await transaction
    .runInteraction(async (inner) => {
      for (const row of rows) {
        try {
          await inner.runOperation(sql, row);
        } catch (error) {
          found = error;
          throw error;
        }
        rowNumber++;
      }
      throw NONE;
    })
    .then(undefined, (error: unknown) => {
      if (error !== NONE && error !== found) throw error;
    });
  if (found === undefined) return;
  const error = found instanceof InterfaceError ? new DataError(found.message, { cause: found, sql }) : found;
  if (error instanceof AdbapiError) atRow(error, rowNumber);
  throw error;
}

/** Has the rows that were tried rolled back. */
const NONE = new Error("no row fails alone");
