/** Integers of 64 bits in the form that the pool asked for. */
import { DataError } from "../../../src/errors/classes.js";
import type { Int64 } from "../protocol.js";

/** Changes the rows in place. */
export function convertIntegers(rows: readonly unknown[][], int64: Int64): void {
  if (int64 === "bigint") return;
  const convert = CONVERT[int64];
  for (const row of rows) {
    for (let at = 0; at < row.length; at++) {
      const value = row[at];
      if (typeof value === "bigint") row[at] = convert(value);
    }
  }
}

/** A number when it is exact, else the bigint itself. */
export function demote(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const CONVERT = {
  driver: demote,
  string: String,
  number(value: bigint): number {
    const number = demote(value);
    if (typeof number === "number") return number;
    throw new DataError(
      `the integer ${value} is beyond what a JavaScript number holds exactly: set int64 to "driver", "bigint" or "string"`,
    );
  },
} as const satisfies Record<Exclude<Int64, "bigint">, (value: bigint) => unknown>;
