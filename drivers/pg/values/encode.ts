/** From bound params to what travels. */

import { InterfaceError } from "../../../src/errors/classes.js";
import type { Params } from "../../driver.js";
import type { Encoded } from "../wire.js";
import { arrayLiteral } from "./array-literal.js";
import type { PrepareValue } from "./codec.js";

export type { PrepareValue } from "./codec.js";

const MOST_PARAMS = 65_535;
/** What travels of no params. */
export const NO_VALUES: readonly Encoded[] = [];

/** Never called while a message is being written: `prepareValue` may call back into code of the caller. */
export function encode(params: Params | undefined, prepareValue: PrepareValue): readonly Encoded[] {
  if (params === undefined) return NO_VALUES;
  if (!Array.isArray(params)) {
    throw new InterfaceError("pg takes params as an array, for $1, $2, ... in the text");
  }
  const values: readonly unknown[] = params;
  if (values.length > MOST_PARAMS) {
    throw new InterfaceError(`${values.length} params, but PostgreSQL takes at most ${MOST_PARAMS}`);
  }
  if (!values.some(isComposite)) return values as readonly Encoded[];
  try {
    return values.map((value) => encoded(value, prepareValue));
  } catch (error) {
    throw new InterfaceError("a param could not be encoded for PostgreSQL, see `cause`", { cause: error });
  }
}

function encoded(value: unknown, prepareValue: PrepareValue): Encoded {
  if (Array.isArray(value)) return arrayLiteral(value, prepareValue);
  return isComposite(value) ? prepareValue(value) : (value as Encoded);
}

function isComposite(value: unknown): boolean {
  return value === undefined || (typeof value === "object" && value !== null && !(value instanceof Buffer));
}
