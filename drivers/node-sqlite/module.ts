/** node:sqlite as a blocking driver: runs in the worker threads. */
import { pathToFileURL } from "node:url";
import type { BlockingConnection } from "../blocking/module.js";
import { MEMORY } from "../sqlite-family/args.js";
import { BUSY_TIMEOUT_MILLIS, type KnownFile, openFile } from "../sqlite-family/file.js";
import { NodeSqliteConnection } from "./connection.js";
import { withNamedCode } from "./errors.js";
import type { NodeSqliteOptions } from "./options.js";
import { loadNodeSqlite } from "./sqlite.js";

export { classify } from "./errors.js";

/** @param known the pool's file, where it has been opened before */
export function connect(
  file: string,
  // Its own default is not to wait at all.
  { timeout = BUSY_TIMEOUT_MILLIS, ...options }: NodeSqliteOptions = {},
  known?: KnownFile,
): BlockingConnection {
  const { DatabaseSync } = loadNodeSqlite();
  const readOnly = options.readOnly ?? false;
  return openFile(
    file,
    known,
    (mustExist) =>
      withNamedCode(() => new DatabaseSync(mustExist && !readOnly ? existing(file) : file, options)),
    (db) =>
      withNamedCode(() => {
        db.exec(`pragma busy_timeout = ${timeout}`);
        return new NodeSqliteConnection(db, file === MEMORY, readOnly);
      }),
  );
}

/** node:sqlite has no option for it, but takes SQLite's own URIs. */
function existing(file: string): URL {
  const url = pathToFileURL(file);
  url.search = "?mode=rw";
  return url;
}
