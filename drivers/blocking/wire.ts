/**
 * Rows on their way between threads. Cloning an object for each row costs more than the query: small results travel
 * as arrays, larger ones column by column, numbers as one Float64Array, texts as one string with their lengths.
 */
import type { RowMode } from "../driver.js";

/** Rows and cells of a slice, at most: they bound what is encoded and decoded at a time. */
export const SLICE = 2_048;
const CELLS = 10 * SLICE;

/** Rows of a slice that has so many columns; at least one. */
export function sliceOf(width: number): number {
  return Math.max(1, Math.min(SLICE, Math.floor(CELLS / width)));
}

/** Below this many cells, columns cost more than they save. */
const SMALL = 64;

/** From this size on a BLOB's memory moves to the other thread; smaller ones are copied. */
const MOVED = 4_096;

/** Stands for NULL among the lengths of texts. */
const NULL_LENGTH = 0xff_ff_ff_ff;

interface Texts {
  readonly text: string;
  readonly lengths: Uint32Array;
}

type WireColumn = Float64Array | Texts | unknown[];

export type WireRows = unknown[][] | { readonly count: number; readonly columns: readonly WireColumn[] };

/** Changes `rows`. Memory that is to move with the message is added to `moved`. */
export function encodeRows(rows: unknown[][], width: number, moved: ArrayBuffer[]): WireRows {
  if (rows.length * width <= SMALL) {
    for (const row of rows) ownBlobs(row, moved);
    return rows;
  }
  const columns: WireColumn[] = [];
  for (let at = 0; at < width; at++) columns.push(encodeColumn(rows, at, moved));
  return { count: rows.length, columns };
}

export function decodeRows(wire: WireRows, names: readonly string[], rowMode: RowMode): unknown[] {
  const table = new WireTable(wire, names);
  return table.take(table.count, rowMode);
}

/** Rows that came together, to be taken in order. */
export class WireTable {
  readonly count: number;
  readonly #names: readonly string[];
  readonly #rows: unknown[][] | undefined;
  readonly #columns: readonly ArrayLike<unknown>[];
  #at = 0;

  constructor(wire: WireRows, names: readonly string[]) {
    this.#names = names;
    if (Array.isArray(wire)) {
      for (const row of wire) asBuffers(row);
      this.count = wire.length;
      this.#rows = wire;
      this.#columns = [];
    } else {
      this.count = wire.count;
      this.#columns = wire.columns.map(decodeColumn);
    }
  }

  take(count: number, rowMode: RowMode): unknown[] {
    const from = this.#at;
    this.#at += count;
    if (this.#rows === undefined) {
      return rowMode === "array"
        ? arraysOf(this.#columns, from, count)
        : objectsOf(this.#columns, this.#names, from, count);
    }
    const rows = count === this.count ? this.#rows : this.#rows.slice(from, this.#at);
    return rowMode === "array" ? rows : rows.map((row) => toObject(row, this.#names));
  }
}

function encodeColumn(rows: readonly unknown[][], at: number, moved: ArrayBuffer[]): WireColumn {
  switch (typeof rows[0]![at]) {
    case "number":
      return encodeNumbers(rows, at) ?? encodeMixed(rows, at, moved);
    case "string":
      return encodeTexts(rows, at) ?? encodeMixed(rows, at, moved);
    default:
      return encodeMixed(rows, at, moved);
  }
}

function encodeNumbers(rows: readonly unknown[][], at: number): Float64Array | undefined {
  const numbers = new Float64Array(rows.length);
  for (let row = 0; row < rows.length; row++) {
    const value = rows[row]![at];
    if (typeof value !== "number") return undefined;
    numbers[row] = value;
  }
  return numbers;
}

function encodeTexts(rows: readonly unknown[][], at: number): Texts | undefined {
  const lengths = new Uint32Array(rows.length);
  let text = "";
  for (let row = 0; row < rows.length; row++) {
    const value = rows[row]![at];
    if (typeof value === "string") {
      if (text.length + value.length > LONGEST_TEXT) return undefined;
      lengths[row] = value.length;
      text += value;
    } else if (value === null) lengths[row] = NULL_LENGTH;
    else return undefined;
  }
  return { text, lengths };
}

/**
 * Far below V8's longest string, and enough for a slice of ordinary texts; longer ones gain nothing by being joined.
 */
const LONGEST_TEXT = 1 << 24;

function encodeMixed(rows: readonly unknown[][], at: number, moved: ArrayBuffer[]): unknown[] {
  const values = rows.map((row) => row[at]);
  ownBlobs(values, moved);
  return values;
}

/** Cloning a view clones all of the memory below it, and memory that moves is lost to the module: so a copy travels. */
function ownBlobs(values: unknown[], moved: ArrayBuffer[]): void {
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (!(value instanceof Uint8Array)) continue;
    if (value.byteLength < MOVED && value.byteLength === value.buffer.byteLength) continue;
    const copy = new Uint8Array(value);
    values[at] = copy;
    if (copy.byteLength >= MOVED) moved.push(copy.buffer);
  }
}

function asBuffers(values: unknown[]): void {
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (value instanceof Uint8Array)
      values[at] = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}

function decodeColumn(column: WireColumn): ArrayLike<unknown> {
  if (column instanceof Float64Array) return column;
  if (Array.isArray(column)) {
    asBuffers(column);
    return column;
  }
  const { text, lengths } = column;
  const values = new Array<string | null>(lengths.length);
  let start = 0;
  for (let at = 0; at < lengths.length; at++) {
    const length = lengths[at]!;
    if (length === NULL_LENGTH) values[at] = null;
    else {
      values[at] = text.slice(start, start + length);
      start += length;
    }
  }
  return values;
}

function arraysOf(columns: readonly ArrayLike<unknown>[], from: number, count: number): unknown[][] {
  const rows = new Array<unknown[]>(count);
  for (let at = 0; at < count; at++) rows[at] = columns.map((column) => column[from + at]);
  return rows;
}

function objectsOf(
  columns: readonly ArrayLike<unknown>[],
  names: readonly string[],
  from: number,
  count: number,
): unknown[] {
  const rows = new Array<unknown>(count);
  for (let at = 0; at < count; at++) {
    const row: Record<string, unknown> = {};
    for (let column = 0; column < columns.length; column++)
      set(row, names[column]!, columns[column]![from + at]);
    rows[at] = row;
  }
  return rows;
}

function toObject(values: readonly unknown[], names: readonly string[]): unknown {
  const row: Record<string, unknown> = {};
  for (let at = 0; at < names.length; at++) set(row, names[at]!, values[at]);
  return row;
}

/** Plain assignment to `__proto__` would set the row's prototype, even to a BLOB. */
function set(row: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") {
    Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true });
  } else row[name] = value;
}
