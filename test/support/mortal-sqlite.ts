import type { ResourceLimits } from "node:worker_threads";
import betterSqlite3, { betterSqlite3With } from "adbapi/drivers/better-sqlite3";
import type { BlockingDriver } from "adbapi/drivers/blocking";
import { nodeSqliteWith } from "adbapi/drivers/node-sqlite";
import type { Target } from "./target.js";

/** SQLite itself, in threads that fail or die when a statement orders it: see `modules/mortal.mjs`. */
export function mortalDriver(
  target: Pick<Target, "name">,
  options: { readonly resourceLimits?: ResourceLimits } = {},
): BlockingDriver {
  return target.name === betterSqlite3.name
    ? betterSqlite3With({
        ...options,
        moduleUrl: new URL("./modules/mortal-better-sqlite3.mjs", import.meta.url),
      })
    : nodeSqliteWith({ ...options, moduleUrl: new URL("./modules/mortal-node-sqlite.mjs", import.meta.url) });
}
