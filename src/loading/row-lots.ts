/** Rows of a caller's source as lists of params, some at a time, so that no more than these are in memory. */
import type { Params } from "../../drivers/driver.js";
import { DataError } from "../errors/classes.js";
import { atRow } from "../errors/details.js";

/** Any source of rows. The next row is asked for only when there is room for it. */
export type RowSource = Iterable<Params> | AsyncIterable<Params>;

export interface RowLot {
  readonly rows: readonly (readonly unknown[])[];
  /** The number of its first row, counted from 1. */
  readonly first: number;
}

const MOST_ROWS = 1_000;
/** As far as it can be told without encoding them. */
const MOST_BYTES = 1 << 20;

export async function* rowLots(source: RowSource, columns: readonly string[]): AsyncGenerator<RowLot, void> {
  let rows: (readonly unknown[])[] = [];
  let first = 1;
  let size = 0;
  for await (const row of source) {
    const values = valuesOf(row, columns, first + rows.length);
    rows.push(values);
    for (const value of values) size += sizeOf(value);
    if (rows.length < MOST_ROWS && size < MOST_BYTES) continue;
    yield { rows, first };
    first += rows.length;
    rows = [];
    size = 0;
  }
  if (rows.length > 0) yield { rows, first };
}

/** A copy: the source may fill the same array again. */
function valuesOf(row: unknown, columns: readonly string[], rowNumber: number): readonly unknown[] {
  if (Array.isArray(row)) {
    if (row.length === columns.length) return row.slice();
    throw bad(rowNumber, `a row has ${row.length} values for ${columns.length} columns`);
  }
  if (typeof row !== "object" || row === null)
    throw bad(rowNumber, "a row must be an array of values, or an object with a value for each column");
  return columns.map((column) => {
    const value = (row as Readonly<Record<string, unknown>>)[column];
    if (value !== undefined) return value;
    throw bad(rowNumber, `a row has no value for the column "${column}": give null to store NULL`);
  });
}

function bad(rowNumber: number, message: string): DataError {
  const error = new DataError(message);
  atRow(error, rowNumber);
  return error;
}

function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  return ArrayBuffer.isView(value) ? value.byteLength : 8;
}
