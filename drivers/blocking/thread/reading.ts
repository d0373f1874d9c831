/** The rows of a statement, one by one: a cancel stops it between two of them, and a large result leaves in pieces. */
import { resourceLimits } from "node:worker_threads";
import { DataError } from "../../../src/errors/classes.js";
import { resultTooLarge } from "../../../src/errors/result-too-large.js";
import { StatementCancelled } from "../errors.js";
import type { BlockingCursor, BlockingResult } from "../module.js";
import { sliceOf } from "../wire.js";

/** About how many characters and bytes the rows of a piece have. */
const PIECE = 1 << 20;

/** What a row takes beside its texts, and each of its cells. */
const ROW_BYTES = 64;
const CELL_BYTES = 16;

/**
 * The rows are collected by the pool's thread, which has about as much memory: if they filled that, the whole process
 * would end.
 */
const MOST_BYTES = (resourceLimits.maxOldGenerationSizeMb ?? Number.POSITIVE_INFINITY) * 2 ** 20;

export interface Reading {
  /** What the pool takes; undefined: as much as a thread may have. */
  readonly maxResultBytes: number | undefined;
  cancelled(): boolean;
  /** Takes rows that must not pile up here; false when the statement was cancelled. */
  handOn(columns: readonly string[], rows: unknown[][]): boolean;
  /** The database itself failed in the midst of the rows. */
  readonly failed?: (() => void) | undefined;
}

/** Gives the last rows, and the number of all. */
export function readRows(cursor: BlockingCursor, reading: Reading): BlockingResult {
  let rows: unknown[][] = [];
  let handedOn = 0;
  let weight = 0;
  let bytes = 0;
  for (const row of rowsOf(cursor, reading)) {
    if (rows.length > 0 && (weight > PIECE || rows.length === sliceOf(row.length))) {
      bytes += weight + rows.length * (ROW_BYTES + row.length * CELL_BYTES);
      checkSize(bytes, reading.maxResultBytes);
      if (!reading.handOn(cursor.columns, rows)) throw new StatementCancelled();
      handedOn += rows.length;
      rows = [];
      weight = 0;
    }
    rows.push(row);
    weight += weightOf(row);
    if (reading.cancelled()) throw new StatementCancelled();
  }
  const rowCount = handedOn + rows.length;
  return {
    columns: cursor.columns,
    rows,
    rowCount,
    lastInsertId: rowCount > 0 ? cursor.lastInsertId : undefined,
  };
}

function rowsOf({ rows }: BlockingCursor, { failed }: Reading): IterableIterator<unknown[]> {
  return failed === undefined ? rows : watched(rows, failed);
}

/** What the reader of the rows throws does not come by here. */
function* watched<T>(rows: IterableIterator<T>, failed: () => void): IterableIterator<T> {
  try {
    yield* rows;
  } catch (error) {
    failed();
    throw error;
  }
}

function weightOf(row: readonly unknown[]): number {
  let weight = 0;
  for (const value of row) {
    if (typeof value === "string") weight += value.length;
    else if (value instanceof Uint8Array) weight += value.byteLength;
  }
  return weight;
}

function checkSize(bytes: number, most = Number.POSITIVE_INFINITY): void {
  if (bytes > most) throw resultTooLarge(most);
  if (bytes <= MOST_BYTES) return;
  throw new DataError(
    `the rows of the result fill more than the ${Math.round(MOST_BYTES / 2 ** 20)} MB that a thread may have: read them with runStream`,
  );
}
