import type { Params } from "../driver.js";
import { mysqlRules } from "../mysql-family/params.js";
import { binder } from "../params.js";

/** Params as mariadb's `execute` is to get them. Integers beyond 2^53 and booleans are the package's to encode. */
export const bind: (params: Params) => Params = binder(mysqlRules);
