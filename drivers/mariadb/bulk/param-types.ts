/**
 * The one type that a param has at the head of a bulk packet, for the values of all rows. mariadb's own heads end at
 * every date, and would call a large integer a DOUBLE.
 */
import type { FieldInfo } from "mariadb";
import { integerKind } from "../../mysql-family/values/integers.js";

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
/** With WIDE: a DOUBLE may not hold all of its digits. */
const LONG = 256;

const BIGINT = 8;
const DOUBLE_TYPE = 5;

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
  [DOUBLE]: DOUBLE_TYPE,
  [TEXT]: 253,
  [BYTES]: 252,
  [DATE]: 12,
};

/** Columns whose numbers the server makes of an integer and of a DOUBLE alike: TINYINT to BIGINT, FLOAT to DECIMAL. */
const NUMERIC = new Set([1, 2, 3, 4, 5, 8, 9, 246]);
/** VARCHAR and TEXT, their binary kinds, CHAR. */
const TEXTUAL = new Set([252, 253, 254]);
/** By flags, texts with numbers of their own: ENUM and SET. */
const NUMBERED = 256 | 2048;
/** Room for the longest number, in bytes of the widest character set: a narrower text gets fewer digits of a DOUBLE. */
const ROOM = 25 * 4;

/** Which kinds of integers this column stores the same where they come as a DOUBLE; 0 is none. */
export function kindsAsDouble(column: FieldInfo | undefined): number {
  if (column === undefined) return 0;
  if (NUMERIC.has(column.columnType)) return POSITIVE | NEGATIVE | WIDE;
  const isText = TEXTUAL.has(column.columnType) && (column.flags & NUMBERED) === 0;
  return isText && column.columnLength >= ROOM ? POSITIVE | NEGATIVE : 0;
}

/** The params that are integers in some of the rows and decimals in others. */
export function mixedParams(rows: readonly (readonly unknown[])[]): number[] {
  const kinds: number[] = [];
  for (const row of rows) {
    for (let at = 0; at < row.length; at++) kinds[at] = (kinds[at] ?? 0) | (kindOf(row[at]) ?? 0);
  }
  const isMixed = (kind: number) => (kind & DOUBLE) !== 0 && (kind & (POSITIVE | NEGATIVE)) !== 0;
  return [...kinds.keys()].filter((at) => isMixed(kinds[at]!));
}

/** The type for values of these kinds, where there is one. */
export function typeOf(kinds: number, asDouble = 0): number | undefined {
  const isDouble = (kinds & DOUBLE) !== 0 && (kinds & ~(asDouble | DOUBLE)) === 0;
  return isDouble ? DOUBLE_TYPE : TYPES[kinds & ~LONG];
}

/** Of numbers `bind` has left those of 32 bits alone. */
export function kindOf(value: unknown): number | undefined {
  switch (typeof value) {
    case "string":
      return TEXT;
    case "boolean":
      return POSITIVE | WIDE;
    case "number":
      if (!Number.isInteger(value) || integerKind(value) === undefined) return DOUBLE;
      return value < 0 ? NEGATIVE : POSITIVE;
    case "bigint":
      if (value < 0n) return NEGATIVE | WIDE | (value < -MOST_DIGITS ? LONG : 0);
      if (value > MOST_DIGITS) return WIDE | LONG | (value < 2n ** 63n ? POSITIVE : UNSIGNED);
      return POSITIVE | WIDE;
    default:
      if (value === null) return 0;
      if (Buffer.isBuffer(value)) return BYTES;
      return value instanceof Date ? DATE : undefined;
  }
}

/** The largest integer up to which a DOUBLE holds all. */
const MOST_DIGITS = 2n ** 53n;

/** What mariadb is given to write as these types; undefined for a value that it writes so by itself. */
export const ENCODERS: Readonly<Record<number, (value: unknown) => unknown>> = {
  [BIGINT]: toInteger,
  [UNSIGNED_BIGINT]: toInteger,
  [DOUBLE_TYPE]: toDouble,
};

function toInteger(value: unknown): unknown {
  return value === null ? null : BigInt.asIntN(64, BigInt(value as number | bigint | boolean));
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** mariadb would write an integer as one: a bigint of the same eight bytes goes as they are. There is no -0. */
function toDouble(value: unknown): unknown {
  if (value === null || !(typeof value !== "number" || Number.isInteger(value))) return undefined;
  double[0] = Number(value) + 0;
  return bits[0];
}
