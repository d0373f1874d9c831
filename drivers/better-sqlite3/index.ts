/// <reference types="node" preserve="true" />
/** SQLite through better-sqlite3, in worker threads. */
/** @ts-ignore: without the package, its types are `any`. */
import type { Options } from "better-sqlite3";
import { beside } from "../blocking/beside.js";
import { type BlockingDriver, type BundledOptions, blockingDriver } from "../blocking/index.js";
import type { Kinds } from "../common/arguments.js";
import { checkFileAndOptions, fromUrl } from "../sqlite-family/args.js";
import { sqliteFacts } from "../sqlite-family/facts.js";
import { withKnownFile } from "../sqlite-family/pool-files.js";
import { classify } from "./errors.js";
import { loadPackage } from "./package.js";

/** What `new Database(...)` takes, but `verbose`: a function cannot be called from another thread. */
export type BetterSqlite3Options = Pick<Options, "readonly" | "fileMustExist" | "timeout" | "nativeBinding">;

/** The file's name, or the arguments of `new Database(...)`. */
export type BetterSqlite3ConnectArgs = string | readonly [file: string, options?: BetterSqlite3Options];

const OPTIONS = {
  readonly: ["flag"],
  fileMustExist: ["flag"],
  timeout: ["number"],
  nativeBinding: ["text"],
} as const satisfies Kinds & Record<keyof BetterSqlite3Options, unknown>;

const MODULE = beside("./module.js", import.meta.url);

/** The driver with settings of its own: for bundlers that move the code of the threads, and to bound their memory. */
export function betterSqlite3With({ moduleUrl = MODULE, ...options }: BundledOptions = {}): BlockingDriver {
  return blockingDriver(moduleUrl, {
    ...options,
    ...sqliteFacts,
    name: "better-sqlite3",
    checkArgs: (args) => checkFileAndOptions("better-sqlite3", args, OPTIONS),
    classify,
    prepare(args) {
      loadOnce(args);
      return withKnownFile(args);
    },
    fromUrl(url) {
      const { file, readonly } = fromUrl(url);
      return readonly ? [file, { readonly }] : [file];
    },
  });
}

/** The driver `"better-sqlite3"`. */
export const betterSqlite3: BlockingDriver = betterSqlite3With();

export default betterSqlite3;

let loaded = false;

/**
 * Loads the addon on the pool's thread too: one that was only loaded in threads may be unloaded under those
 * that end abruptly (better-sqlite3 #1476).
 */
function loadOnce([, options]: readonly unknown[]): void {
  if (loaded) return;
  const { nativeBinding } = (options ?? {}) as BetterSqlite3Options;
  new (loadPackage())(":memory:", nativeBinding === undefined ? {} : { nativeBinding }).close();
  loaded = true;
}
