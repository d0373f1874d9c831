import { binder, type ParamRules, type Place } from "../common/params.js";
import type { Params } from "../driver.js";
import { integerKind } from "../mysql-family/values/integers.js";
import { mysqlRules } from "../mysql-family/values/params.js";

/** mariadb's own integers end here: a larger number would go as a DOUBLE, and a bigint goes as what it is. */
const LARGEST_INT = 2 ** 31 - 1;

const rules: ParamRules = {
  ...mysqlRules,
  number(value: number, place: Place): unknown {
    mysqlRules.number(value, place);
    const kind = integerKind(value);
    return kind === undefined || (kind === "int" && value < LARGEST_INT) ? value : BigInt(value);
  },
};

/** Params as mariadb's `execute` is to get them: it encodes a number of 32 bits, and a bigint, as an integer. */
export const bind: (params: Params) => Params = binder(rules);
