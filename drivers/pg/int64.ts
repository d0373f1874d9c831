/** How int8 and its arrays come back, where the pool's `int64` asks for more than pg's own exact strings. */

import { DataError } from "../../src/errors.js";
import type { DriverSettings } from "../driver.js";
import type { ParseText } from "./rows.js";

export const INT8 = 20;
export const INT8_ARRAY = 1016;

export function int64Parsers(
  int64: Exclude<DriverSettings["int64"], "driver">,
  parseArray: ParseText,
): ReadonlyMap<number, ParseText> {
  const parse = PARSERS[int64];
  const each = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(each) : value === null ? null : parse(String(value));
  return new Map([
    [INT8, parse],
    [INT8_ARRAY, (text) => each(parseArray(text))],
  ]);
}

const PARSERS: Readonly<Record<Exclude<DriverSettings["int64"], "driver">, ParseText>> = {
  bigint: BigInt,
  string: (text) => text,
  number(text) {
    const number = Number(text);
    if (Number.isSafeInteger(number)) return number;
    throw new DataError(
      "an integer of the result is beyond 2^53 and would be rounded: ask for bigint or string with `int64`",
    );
  },
};
