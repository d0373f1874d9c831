/** better-sqlite3 itself, an optional peer dependency. */
import type BetterSqlite3 from "better-sqlite3";
import { InterfaceError } from "../../src/errors.js";
import { requirePackage } from "../require.js";

export function loadPackage(): typeof BetterSqlite3 {
  try {
    return requirePackage("better-sqlite3") as typeof BetterSqlite3;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new InterfaceError('the driver "better-sqlite3" needs its package: npm install better-sqlite3', {
      cause: error,
    });
  }
}
