/** SQLite through better-sqlite3, in worker threads. */
import type { Options } from "better-sqlite3";
import { InterfaceError } from "../../src/errors.js";
import { type BlockingDriver, type BlockingDriverOptions, blockingDriver } from "../blocking/index.js";
import { verbOf } from "../blocking/texts.js";
import { checkFile, fromUrl, maxConnections } from "./args.js";
import { classify } from "./errors.js";
import { loadPackage } from "./package.js";
import { bind } from "./params.js";

/** What `new Database(...)` takes, but `verbose`: a function cannot be called from another thread. */
export type BetterSqlite3Options = Pick<Options, "readonly" | "fileMustExist" | "timeout" | "nativeBinding">;

/** The file's name, or the arguments of `new Database(...)`. */
export type BetterSqlite3ConnectArgs = string | readonly [file: string, options?: BetterSqlite3Options];

const OPTIONS: Readonly<Record<keyof BetterSqlite3Options, "boolean" | "number" | "string">> = {
  readonly: "boolean",
  fileMustExist: "boolean",
  timeout: "number",
  nativeBinding: "string",
};

/** The driver with settings of its own: for bundlers that move the code of the threads, and to bound their memory. */
export function betterSqlite3With(
  options: Pick<BlockingDriverOptions, "workerUrl" | "resourceLimits"> = {},
): BlockingDriver {
  return blockingDriver(new URL("./module.js", import.meta.url), {
    ...options,
    name: "better-sqlite3",
    pipeline: 64,
    singleWriter: true,
    bind,
    checkArgs,
    classify,
    maxConnections,
    prepare: loadOnce,
    stackable: (sql) => verbOf(sql) === "plain",
    fromUrl(url) {
      const { file, readonly } = fromUrl(url);
      return readonly ? [file, { readonly }] : [file];
    },
  });
}

export const betterSqlite3: BlockingDriver = betterSqlite3With();

export default betterSqlite3;

function checkArgs(args: readonly unknown[]): readonly unknown[] {
  const [file, options, ...more] = args;
  if (more.length > 0) throw new InterfaceError("better-sqlite3 takes a file name and options, nothing else");
  const name = checkFile("better-sqlite3", file);
  return options === undefined ? [name] : [name, checkOptions(options)];
}

function checkOptions(options: unknown): BetterSqlite3Options {
  if (typeof options !== "object" || options === null) {
    throw new InterfaceError("better-sqlite3: the second connect argument is an object of options");
  }
  for (const [name, value] of Object.entries(options)) {
    if (name === "verbose") {
      throw new InterfaceError(
        "better-sqlite3: verbose cannot be called from a worker thread: use the diagnostics channels",
      );
    }
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new InterfaceError(
        `better-sqlite3 has no option ${JSON.stringify(name)}: it has ${Object.keys(OPTIONS).join(", ")}`,
      );
    }
    const type = OPTIONS[name as keyof BetterSqlite3Options];
    if (value !== undefined && typeof value !== type) {
      throw new InterfaceError(`better-sqlite3: the option ${name} is a ${type}, not a ${typeof value}`);
    }
  }
  return { ...options };
}

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
