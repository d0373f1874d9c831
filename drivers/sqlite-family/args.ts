/** The connect arguments of SQLite's drivers: a file name, and options. */
import { InterfaceError } from "../../src/errors/classes.js";
import { isObject, type Kinds, ownArguments } from "../common/arguments.js";
import type { DatabaseName } from "../driver.js";

export const MEMORY = ":memory:";

/** Gives a copy; refuses what would open another database than the caller named, or cannot be sent to a thread. */
export function checkFileAndOptions(
  driver: string,
  args: readonly unknown[],
  known: Kinds,
): readonly unknown[] {
  const [file, options, ...more] = args;
  if (more.length > 0) throw new InterfaceError(`${driver} takes a file name and options, nothing else`);
  checkFile(driver, file);
  if (options === undefined) return [file];
  if (!isObject(options)) {
    throw new InterfaceError(`${driver}: the second connect argument is an object of options`);
  }
  const own = ownArguments(`${driver}: the option`, options, known);
  refuseUnknown(driver, own, known);
  return [file, own];
}

function refuseUnknown(driver: string, options: object, known: Kinds): void {
  if (Object.hasOwn(options, "verbose")) {
    throw new InterfaceError(
      `${driver}: verbose cannot be called from a worker thread: use the diagnostics channels`,
    );
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  const names = Object.keys(known).join(", ");
  throw new InterfaceError(`${driver} takes no option ${JSON.stringify(unknown)}: it takes ${names}`);
}

/** An empty name would silently open a private database, and what follows a NUL would be ignored. */
function checkFile(driver: string, file: unknown): void {
  if (typeof file !== "string" || file.trim() === "") {
    throw new InterfaceError(
      `${driver}: the first connect argument is the name of the database file, or ":memory:"; it is ${describe(file)}`,
    );
  }
  if (file.includes("\0")) throw new InterfaceError(`${driver}: the file name contains a NUL character`);
  const scheme = /^(?:file|sqlite):/.exec(file)?.[0];
  if (scheme !== undefined) {
    const instead = scheme === "file:" ? "" : "; ConnectionPool.fromUrl takes URLs";
    throw new InterfaceError(
      `${driver} takes the file's path, not one that starts with "${scheme}"${instead}`,
    );
  }
}

export function identify([file]: readonly unknown[]): DatabaseName {
  return { system: "sqlite", namespace: String(file) };
}

export function ownDatabase([file]: readonly unknown[]): boolean {
  return file === MEMORY;
}

export function maxConnections(args: readonly unknown[]): number {
  return ownDatabase(args) ? 1 : Number.POSITIVE_INFINITY;
}

/** `sqlite:file.db`, `sqlite:///absolute/file.db`, `sqlite::memory:`; `?mode=ro` opens it for reading only. */
export function fromUrl(url: string): { readonly file: string; readonly readonly: boolean } {
  const match = /^sqlite:(?:\/\/(?=\/))?([^?#]*)(?:\?([^#]*))?$/.exec(url);
  if (match === null)
    throw new InterfaceError("a SQLite URL is sqlite:file.db, sqlite:///absolute/file.db or sqlite::memory:");
  if (match[1]!.startsWith("//")) {
    throw new InterfaceError("a SQLite URL names no host: use sqlite:file.db or sqlite:///absolute/file.db");
  }
  let readonly = false;
  for (const [name, value] of new URLSearchParams(match[2] ?? "")) {
    if (name === "driver") continue;
    if (name !== "mode" || (value !== "ro" && value !== "rwc")) {
      throw new InterfaceError(
        "a SQLite URL takes mode=ro, mode=rwc or driver=…, and nothing else: in a file's name ? # % are %3F %23 %25",
      );
    }
    readonly = value === "ro";
  }
  return { file: decoded(match[1]!), readonly };
}

function decoded(file: string): string {
  try {
    return decodeURIComponent(file);
  } catch {
    throw new InterfaceError("the file name in the SQLite URL is not properly percent-encoded");
  }
}

function describe(file: unknown): string {
  return typeof file === "string" ? "empty" : file === null ? "null" : `of type ${typeof file}`;
}
