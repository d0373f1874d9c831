/** What holds of SQLite, whichever package leads to it. */
import { identify, maxConnections } from "./args.js";
import { bind } from "./params.js";
import { outsideTransaction, repeatable, stackable } from "./text.js";

export const sqliteFacts = {
  pipeline: 256,
  dialect: "sqlite",
  singleWriter: true,
  bind,
  identify,
  maxConnections,
  stackable,
  repeatable,
  outsideTransaction,
} as const;
