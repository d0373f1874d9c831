/** What is true of SQLite with either package. */
import { identify, maxConnections, ownDatabase } from "./args.js";
import { bind } from "./params.js";
import { rememberFile } from "./pool-files.js";
import { severalStatements } from "./statements.js";
import { outsideTransaction, repeatable, seemsReadOnly, stackable } from "./text.js";

export const sqliteFacts = {
  pipeline: 256,
  dialect: "sqlite",
  singleWriter: true,
  bind,
  identify,
  maxConnections,
  ownDatabase,
  opened: rememberFile,
  stackable,
  repeatable,
  severalStatements,
  seemsReadOnly,
  outsideTransaction,
} as const;
