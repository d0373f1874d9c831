/** better-sqlite3 itself, an optional peer dependency. */
import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";
import { InterfaceError } from "../../src/errors.js";

export function loadPackage(): typeof BetterSqlite3 {
  // In a bundle of CommonJS modules there is no URL: the package is looked for from where the program runs.
  const require = createRequire(import.meta.url ?? `${process.cwd()}/`);
  try {
    return require("better-sqlite3") as typeof BetterSqlite3;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new InterfaceError('the driver "better-sqlite3" needs its package: npm install better-sqlite3', {
      cause: error,
    });
  }
}
