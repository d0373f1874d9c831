/** better-sqlite3 itself, an optional peer dependency. */
import type BetterSqlite3 from "better-sqlite3";
import { packageMissing, requirePackage } from "../common/require.js";

export function loadPackage(): typeof BetterSqlite3 {
  try {
    return requirePackage("better-sqlite3") as typeof BetterSqlite3;
  } catch (error) {
    // What else fails, such as an addon for another version of Node.js, says so itself.
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw packageMissing("better-sqlite3", error);
  }
}
