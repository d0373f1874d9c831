/** The rows of a query, one by one: what is cancelled stops between two of them, and what is large leaves in pieces. */
import { resourceLimits } from "node:worker_threads";
import { DataError } from "../../../src/errors/classes.js";
import { resultTooLarge } from "../../../src/errors/result-too-large.js";
import { StatementCancelled } from "../errors.js";
import type { BlockingCursor, BlockingResult } from "../module.js";
import { sliceOf } from "../wire.js";

/** Characters and bytes in the rows of a piece, about. */
const PIECE = 1 << 20;

/** What a row takes beside its texts, and each of its cells. */
const ROW_BYTES = 64;
const CELL_BYTES = 16;

/**
 * Rows that fill as much memory as a thread may have fill that of the pool's own thread too: there it would be the end
 * of the process.
 */
const MOST_BYTES = (resourceLimits.maxOldGenerationSizeMb ?? Number.POSITIVE_INFINITY) * 2 ** 20;

export interface Reading {
  /** What the pool takes; undefined: as much as a thread may have. */
  readonly maxResultBytes: number | undefined;
  cancelled(): boolean;
  /** Takes rows that are not to be kept here; false when nobody wants them any more. */
  handOn(columns: readonly string[], rows: unknown[][]): boolean;
}

/** Gives the last rows, and the number of all. However quick the text was before, its rows never pile up. */
export function readRows(cursor: BlockingCursor, reading: Reading): BlockingResult {
  let rows: unknown[][] = [];
  let handedOn = 0;
  let weight = 0;
  let bytes = 0;
  for (const row of cursor.rows) {
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
  return { columns: cursor.columns, rows, rowCount: handedOn + rows.length };
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
