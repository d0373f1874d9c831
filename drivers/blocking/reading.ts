/** The rows of a query, one by one: what is cancelled stops between two of them, and what is large leaves in pieces. */
import { StatementCancelled } from "./errors.js";
import type { BlockingCursor, BlockingResult } from "./module.js";
import { sliceOf } from "./wire.js";

/** Characters and bytes in the rows of a piece, about. */
const PIECE = 1 << 20;

export interface Reading {
  cancelled(): boolean;
  /** Takes rows that are not to be kept here; false when nobody wants them any more. */
  handOn(columns: readonly string[], rows: unknown[][]): boolean;
}

/** Gives the last rows, and the number of all. However quick the text was before, its rows never pile up. */
export function readRows(cursor: BlockingCursor, reading: Reading): BlockingResult {
  let rows: unknown[][] = [];
  let handedOn = 0;
  let weight = 0;
  for (const row of cursor.rows) {
    if (rows.length > 0 && (weight > PIECE || rows.length === sliceOf(row.length))) {
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
