/** better-sqlite3 as a blocking driver: runs in the worker threads. */
import type { Options } from "better-sqlite3";
import type { BlockingConnection } from "../blocking/module.js";
import { BUSY_TIMEOUT_MILLIS, type KnownFile, openFile } from "../sqlite-family/file.js";
import { BetterSqlite3Connection } from "./connection.js";
import { loadPackage } from "./package.js";

export { classify } from "./errors.js";

/** @param known the pool's file, where it has been opened before */
export function connect(file: string, options: Options = {}, known?: KnownFile): BlockingConnection {
  const Driver = loadPackage();
  const settings = { timeout: BUSY_TIMEOUT_MILLIS, ...options };
  return openFile(
    file,
    known,
    (mustExist) => new Driver(file, mustExist ? { ...settings, fileMustExist: true } : settings),
    (db) => new BetterSqlite3Connection(db),
  );
}
