/** The connect arguments of SQLite's drivers: a file name, and options. */
import { InterfaceError } from "../../src/errors.js";

export const MEMORY = ":memory:";

/** Refuses what would silently open a private database, or another file than the one that was named. */
export function checkFile(driver: string, file: unknown): string {
  if (typeof file !== "string" || file.trim() === "") {
    throw new InterfaceError(
      `${driver}: the first connect argument is the name of the database file, or ":memory:"; it is ${describe(file)}`,
    );
  }
  if (file.includes("\0")) throw new InterfaceError(`${driver}: the file name contains a NUL character`);
  if (/^file:.*(?::memory:|mode=memory)/.test(file)) {
    throw new InterfaceError(`${driver}: shared in-memory databases are not supported, use ":memory:"`);
  }
  return file;
}

export function maxConnections([file]: readonly unknown[]): number {
  return file === MEMORY ? 1 : Number.POSITIVE_INFINITY;
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
        `a SQLite URL takes mode=ro or mode=rwc, not ${JSON.stringify(name)} as it stands`,
      );
    }
    readonly = value === "ro";
  }
  return { file: decoded(match[1]!), readonly };
}

function decoded(file: string): string {
  try {
    return decodeURIComponent(file);
  } catch (error) {
    throw new InterfaceError("the file name in the SQLite URL is not properly percent-encoded", {
      cause: error,
    });
  }
}

function describe(file: unknown): string {
  return typeof file === "string" ? "empty" : file === null ? "null" : `of type ${typeof file}`;
}
