import type { Driver, Params } from "../../drivers/driver.js";
import { checkStatementOptions, type StatementOptions } from "../options/call-options.js";
import { checkSql } from "./check-sql.js";

/** The params of a call as the driver sends them. Throws what is wrong with the call, before anything of it is sent. */
export function boundParams(
  driver: Driver,
  sql: string,
  params: Params | undefined,
  options: StatementOptions | undefined,
): Params | undefined {
  checkSql(sql);
  checkStatementOptions(options);
  return params === undefined ? undefined : (driver.bind?.(params) ?? params);
}
