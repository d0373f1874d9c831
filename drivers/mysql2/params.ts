/**
 * Params on their way through mysql2, which sends every number as a DOUBLE and every bigint as text unless it is told a
 * type.
 */
import type { TypedParameter } from "mysql2";
import { binder } from "../common/params.js";
import type { Params } from "../driver.js";
import { integerKind } from "../mysql-family/values/integers.js";
import { mysqlRules } from "../mysql-family/values/params.js";

/** Params checked and copied; their types are added when they are sent, with the package's own `TypedParameter`. */
export const bind: (params: Params) => Params = binder(mysqlRules);

/**
 * Whole numbers and bigints as integers of the smallest type that the server's own literals have; the list itself where
 * there are none.
 */
export function typed(values: unknown[], { LONG, BIGINT }: TypedParameter): unknown[] {
  let bound = values;
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    const kind = integerKind(value);
    if (kind === undefined) continue;
    if (bound === values) bound = [...values];
    const integer = value as number | bigint;
    // The package refuses a number beyond 2^53, which a bigint of the same value is not.
    if (kind === "int") bound[at] = LONG(integer);
    else bound[at] = kind === "bigint" ? BIGINT(BigInt(integer)) : BIGINT.unsigned(BigInt(integer));
  }
  return bound;
}
