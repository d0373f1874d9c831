/**
 * How int8, numeric and their arrays come back: exact, and where the pool's `int64` asks for more than pg's own
 * strings, as that.
 */

import { DataError } from "../../../src/errors/classes.js";
import type { DriverSettings } from "../../driver.js";
import { parseArray } from "./arrays.js";
import type { GetParser, ParseText } from "./codec.js";

const INT8 = 20;
const INT8_ARRAY = 1016;
const TEXT = 25;
const FLOAT4_ARRAY = 1021;
const FLOAT8_ARRAY = 1022;
const NUMERIC = 1700;
const NUMERIC_ARRAY = 1231;

/** The parsers to be used in the place of the package's. */
export function exactParsers(
  int64: DriverSettings["int64"],
  getParser: GetParser,
): ReadonlyMap<number, ParseText> {
  const parsers = new Map<number, ParseText>();
  if (int64 !== "driver") {
    const parse = PARSERS[int64];
    parsers.set(INT8, parse);
    parsers.set(INT8_ARRAY, (text) => parseArray(text, parse));
  }
  if (roundsNumeric(getParser)) parsers.set(NUMERIC_ARRAY, (text) => parseArray(text, getParser(NUMERIC)));
  return parsers;
}

/** The package reads numeric[] as it does the floats; who has set a parser of their own keeps it. */
function roundsNumeric(getParser: GetParser): boolean {
  const parser = getParser(NUMERIC_ARRAY);
  return (
    parser === getParser(FLOAT4_ARRAY) && parser === getParser(FLOAT8_ARRAY) && parser !== getParser(TEXT)
  );
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
