/** What holds of SQLite, whichever package leads to it. */
import { identify, maxConnections, ownDatabase } from "./args.js";
import { rememberFile } from "./file.js";
import { bind } from "./params.js";
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
  seemsReadOnly,
  outsideTransaction,
} as const;
