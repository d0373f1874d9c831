/// <reference types="node" preserve="true" />
/** SQLite through Node's own node:sqlite, in worker threads. */
import { beside } from "../blocking/beside.js";
import { type BlockingDriver, type BundledOptions, blockingDriver } from "../blocking/index.js";
import type { Kinds } from "../common/arguments.js";
import { checkFileAndOptions, fromUrl } from "../sqlite-family/args.js";
import { sqliteFacts } from "../sqlite-family/facts.js";
import { withKnownFile } from "../sqlite-family/pool-files.js";
import { classify } from "./errors.js";
import type { NodeSqliteOptions } from "./options.js";
import { loadNodeSqlite } from "./sqlite.js";

export type { NodeSqliteOptions } from "./options.js";

/** The file's name, or the arguments of `new DatabaseSync(...)`. */
export type NodeSqliteConnectArgs = string | readonly [file: string, options?: NodeSqliteOptions];

const OPTIONS = {
  readOnly: ["flag"],
  timeout: ["number"],
  enableForeignKeyConstraints: ["flag"],
  enableDoubleQuotedStringLiterals: ["flag"],
} as const satisfies Kinds & Record<keyof NodeSqliteOptions, unknown>;

const MODULE = beside("./module.js", import.meta.url);

/** The driver with settings of its own, as `betterSqlite3With`. */
export function nodeSqliteWith({ moduleUrl = MODULE, ...options }: BundledOptions = {}): BlockingDriver {
  return blockingDriver(moduleUrl, {
    ...options,
    ...sqliteFacts,
    name: "node:sqlite",
    checkArgs: (args) => checkFileAndOptions("node:sqlite", args, OPTIONS),
    classify,
    prepare(args) {
      loadNodeSqlite();
      return withKnownFile(args);
    },
    fromUrl(url) {
      const { file, readonly } = fromUrl(url);
      return readonly ? [file, { readOnly: true }] : [file];
    },
  });
}

/** The driver `"node:sqlite"`. */
export const nodeSqlite: BlockingDriver = nodeSqliteWith();

export default nodeSqlite;
