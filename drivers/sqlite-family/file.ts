/**
 * Opens a pool's file, in the thread of a connection: once the pool has opened it, it is that file and no other, and
 * none is made in its place.
 */
import { statSync } from "node:fs";
import { MEMORY } from "./args.js";

/** How long SQLite waits for another process's lock, where the caller asks for no other time. */
export const BUSY_TIMEOUT_MILLIS = 5_000;

/** A file that was there: its identity, whatever its name is; undefined where only that it was there is known. */
export interface KnownFile {
  readonly identity: { readonly dev: bigint; readonly ino: bigint } | undefined;
}

/** What this thread has opened before, for when it opens the file anew. */
let ownFile: KnownFile | undefined;

/**
 * Gives what `use` makes of the file.
 * @param told the file that the pool knows
 * @param open makes no file where it is told that there must be one
 */
export function openFile<Handle extends { close(): unknown }, T>(
  file: string,
  told: KnownFile | undefined,
  open: (mustExist: boolean) => Handle,
  use: (db: Handle) => T,
): T {
  if (file === MEMORY) return use(open(false));
  const known = ownFile ?? told;
  let db: Handle | undefined;
  try {
    db = open(known !== undefined);
    const identity = identityOf(file);
    if (known?.identity !== undefined && !same(identity, known.identity)) throw new Error(REPLACED);
    const used = use(db);
    ownFile = { identity };
    return used;
  } catch (error) {
    db?.close();
    throw openingFailed(file, error, known);
  }
}

const REPLACED =
  "it has been replaced since this pool opened it, and connections to the old file are still open: close the pool and make a new one";

const DELETED = "it has been deleted since this pool opened it, and no new one is made in its place";

function openingFailed(file: string, error: unknown, known: KnownFile | undefined): unknown {
  const { message, code } = error as NodeJS.ErrnoException;
  const there = statSync(file, { throwIfNoEntry: false });
  const other = message === REPLACED || there?.isDirectory() || message.endsWith(" directory does not exist");
  if (!other && !code?.startsWith("SQLITE_")) return error;
  const why =
    known !== undefined && there === undefined ? DELETED : there?.isDirectory() ? "it is a folder" : message;
  const failed = new Error(`cannot open ${file}: ${why}`, { cause: error });
  // The packages differ in what they tell beyond the primary code.
  return Object.assign(failed, { code: other ? "SQLITE_CANTOPEN" : code!.split("_", 2).join("_") });
}

function same(a: KnownFile["identity"], b: KnownFile["identity"]): boolean {
  return a?.dev === b?.dev && a?.ino === b?.ino;
}

function identityOf(file: string): KnownFile["identity"] {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found && { dev: found.dev, ino: found.ino };
}
