/** Lots of params for COM_STMT_BULK_EXECUTE: a head with one type for each param, then the values of many rows. */
import { ENCODERS, kindOf, typeOf } from "./param-types.js";

export interface Lot {
  readonly rows: readonly (readonly unknown[])[];
  /** The protocol's number of each param's type; undefined for a row that bulk cannot carry. */
  readonly types: readonly number[] | undefined;
  readonly bytes: number;
}

const MAX_BYTES = 512 * 1024;

/**
 * In order, none empty, each below `maxBytes` where it has more than one row. `asDouble`: of each param the kinds of
 * integers that may travel as a DOUBLE beside decimals.
 */
export function* lots(
  rows: readonly (readonly unknown[])[],
  maxBytes: number,
  asDouble: readonly number[] = [],
): Generator<Lot> {
  const most = Math.min(MAX_BYTES, maxBytes / 2);
  for (let from = 0, to = 0; from < rows.length; from = to) {
    const kinds = new Array<number>(rows[from]!.length).fill(0);
    const types = merges(kinds, rows[from]!, asDouble);
    let bytes = sizeOf(rows[from]!);
    for (to = from + 1; types && to < rows.length; to++) {
      const size = sizeOf(rows[to]!);
      if (bytes + size > most || !merges(kinds, rows[to]!, asDouble)) break;
      bytes += size;
    }
    yield {
      rows: rows.slice(from, to),
      types: types ? (kinds.map((kind, at) => typeOf(kind, asDouble[at])) as number[]) : undefined,
      bytes,
    };
  }
}

/** The values as they are written under these types. */
export function encoded({ rows, types }: Lot): readonly (readonly unknown[])[] {
  const encoders = types!.map((type) => ENCODERS[type]);
  if (encoders.every((encode) => encode === undefined)) return rows;
  return rows.map((row) => row.map((value, at) => encoders[at]?.(value) ?? value));
}

/**
 * Adds the row's kinds to those of the lot; false, and nothing added, where one of its values has no place under a
 * common head.
 */
function merges(kinds: number[], row: readonly unknown[], asDouble: readonly number[]): boolean {
  if (kinds.length !== row.length) return false;
  for (let at = 0; at < row.length; at++) {
    const kind = kindOf(row[at]);
    if (kind === undefined || typeOf(kinds[at]! | kind, asDouble[at]) === undefined) return false;
  }
  for (let at = 0; at < row.length; at++) kinds[at]! |= kindOf(row[at])!;
  return true;
}

function sizeOf(row: readonly unknown[]): number {
  let bytes = 0;
  for (const value of row)
    bytes += typeof value === "string" ? value.length * 3 : Buffer.isBuffer(value) ? value.length + 9 : 13;
  return bytes;
}
