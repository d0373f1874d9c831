/**
 * Lots of params for COM_STMT_BULK_EXECUTE: a head with one type for each param, then the values of many rows, each of
 * which may be NULL. mariadb's own heads end at every date, and would call an integer a DOUBLE.
 */
import { integerKind } from "../mysql-family/values/integers.js";

export interface Lot {
  readonly rows: readonly (readonly unknown[])[];
  /** The protocol's number of each param's type; undefined for a row that bulk cannot carry. */
  readonly types: readonly number[] | undefined;
  readonly bytes: number;
}

const MAX_BYTES = 512 * 1024;

/** Kinds of values, as bits: those of one column have a common type if their sum is listed. */
const POSITIVE = 1;
const NEGATIVE = 2;
const UNSIGNED = 4;
/** With the three above: what is no number of 32 bits. */
const WIDE = 8;
const DOUBLE = 16;
const TEXT = 32;
const BYTES = 64;
const DATE = 128;

const BIGINT = 8;

/** The unsigned BIGINT of the protocol. */
export const UNSIGNED_BIGINT = 0x8008;

/** FieldType of the protocol. NULL alone is sent as text. */
const TYPES: Readonly<Record<number, number>> = {
  0: 253,
  [POSITIVE]: 3,
  [NEGATIVE]: 3,
  [POSITIVE | NEGATIVE]: 3,
  [POSITIVE | WIDE]: BIGINT,
  [NEGATIVE | WIDE]: BIGINT,
  [POSITIVE | NEGATIVE | WIDE]: BIGINT,
  [UNSIGNED | WIDE]: UNSIGNED_BIGINT,
  [POSITIVE | UNSIGNED | WIDE]: UNSIGNED_BIGINT,
  [DOUBLE]: 5,
  [TEXT]: 253,
  [BYTES]: 252,
  [DATE]: 12,
};

/** In order, none empty, each below `maxBytes` where it has more than one row. */
export function* lots(rows: readonly (readonly unknown[])[], maxBytes: number): Generator<Lot> {
  const most = Math.min(MAX_BYTES, maxBytes / 2);
  for (let from = 0, to = 0; from < rows.length; from = to) {
    const kinds = new Array<number>(rows[from]!.length).fill(0);
    const types = merges(kinds, rows[from]!);
    let bytes = sizeOf(rows[from]!);
    for (to = from + 1; types && to < rows.length; to++) {
      const size = sizeOf(rows[to]!);
      if (bytes + size > most || !merges(kinds, rows[to]!)) break;
      bytes += size;
    }
    yield { rows: rows.slice(from, to), types: types ? kinds.map((kind) => TYPES[kind]!) : undefined, bytes };
  }
}

/** The values as they are written under these types. */
export function encoded({ rows, types }: Lot): readonly (readonly unknown[])[] {
  const wide = types!.map((type) => type === BIGINT || type === UNSIGNED_BIGINT);
  if (!wide.includes(true)) return rows;
  return rows.map((row) => row.map((value, at) => (wide[at] ? toInteger(value) : value)));
}

/**
 * Adds the row's kinds to those of the lot; false, and nothing added, where one of its values has no place under a
 * common head.
 */
function merges(kinds: number[], row: readonly unknown[]): boolean {
  if (kinds.length !== row.length) return false;
  for (let at = 0; at < row.length; at++) {
    const kind = kindOf(row[at]);
    if (kind === undefined || TYPES[kinds[at]! | kind] === undefined) return false;
  }
  for (let at = 0; at < row.length; at++) kinds[at]! |= kindOf(row[at])!;
  return true;
}

/** Of numbers `bind` has left those of 32 bits alone. */
function kindOf(value: unknown): number | undefined {
  switch (typeof value) {
    case "string":
      return TEXT;
    case "boolean":
      return POSITIVE | WIDE;
    case "number":
      if (!Number.isInteger(value) || integerKind(value) === undefined) return DOUBLE;
      return value < 0 ? NEGATIVE : POSITIVE;
    case "bigint":
      if (value < 0n) return NEGATIVE | WIDE;
      return WIDE | (value < 2n ** 63n ? POSITIVE : UNSIGNED);
    default:
      if (value === null) return 0;
      if (Buffer.isBuffer(value)) return BYTES;
      return value instanceof Date ? DATE : undefined;
  }
}

function toInteger(value: unknown): unknown {
  return value === null ? null : BigInt.asIntN(64, BigInt(value as number | bigint | boolean));
}

function sizeOf(row: readonly unknown[]): number {
  let bytes = 0;
  for (const value of row)
    bytes += typeof value === "string" ? value.length * 3 : Buffer.isBuffer(value) ? value.length + 9 : 13;
  return bytes;
}
