/** The file of a pool: once it has been opened it is that file and no other, and none is made in its place. */
import { statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { MEMORY } from "./args.js";

/** How long SQLite waits for another process's lock, where the caller asks for no other time. */
export const BUSY_TIMEOUT_MILLIS = 5_000;

/** What a file is, whatever it is called; undefined where only its having been there is known. */
export interface KnownFile {
  readonly identity: { readonly dev: bigint; readonly ino: bigint } | undefined;
}

interface Opened {
  known: KnownFile;
  /** Connections that are open, or have not let go of it yet. */
  open: number;
}

/** On the pool's thread, by the pool's connect arguments. */
const opened = new WeakMap<readonly unknown[], Opened>();

/**
 * What the module's `connect` is given: the arguments, and the file where this is not the first connection, which may
 * make it.
 */
export function withKnownFile(args: readonly unknown[]): readonly unknown[] {
  const before = opened.get(args);
  if (before === undefined) return args;
  // With none open there is no old file that somebody could go on writing to: one that was put in its place is as good.
  const known: KnownFile = before.open === 0 ? { identity: undefined } : before.known;
  return [args[0], args[1], known];
}

/** A connection has come to be; `ended` fires when it is over. */
export async function rememberFile(args: readonly unknown[], ended: Promise<void>): Promise<void> {
  const [file] = args;
  if (file === MEMORY) return;
  const before = opened.get(args);
  const now = before ?? { known: { identity: undefined }, open: 0 };
  opened.set(args, now);
  now.open++;
  void ended.then(() => now.open--);
  if (now.open > 1 && now.known.identity !== undefined) return;
  const identity = await stat(String(file), { bigint: true }).catch(() => undefined);
  now.known = { identity: identity && { dev: identity.dev, ino: identity.ino } };
}

/** In the thread: what it has opened itself, for when it opens the file anew. */
let ownFile: KnownFile | undefined;

/** In the thread. `open` makes no file where it is told that there must be one; what `use` makes of it is given. */
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
