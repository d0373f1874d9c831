/** The files that pools have opened, on the pools' own thread. */
import { stat } from "node:fs/promises";
import { MEMORY } from "./args.js";
import type { KnownFile } from "./file.js";

interface PoolFile {
  known: KnownFile;
  /** Connections that are open, or whose threads have not ended yet. */
  open: number;
}

/** By the pool's connect arguments. */
const files = new WeakMap<readonly unknown[], PoolFile>();

/**
 * The arguments of the module's `connect`: the pool's, and the file that it knows. The first connection knows none, and
 * may make it.
 */
export function withKnownFile(args: readonly unknown[]): readonly unknown[] {
  const before = files.get(args);
  if (before === undefined) return args;
  // With none open, no connection writes to an old file any more: a file that was put in its place is as good.
  const known: KnownFile = before.open === 0 ? { identity: undefined } : before.known;
  return [args[0], args[1], known];
}

/** A connection is open; `ended` fires when its thread has ended. */
export async function rememberFile(args: readonly unknown[], ended: Promise<void>): Promise<void> {
  const [file] = args;
  if (file === MEMORY) return;
  const before = files.get(args);
  const now = before ?? { known: { identity: undefined }, open: 0 };
  files.set(args, now);
  now.open++;
  void ended.then(() => now.open--);
  if (now.open > 1 && now.known.identity !== undefined) return;
  const identity = await stat(String(file), { bigint: true }).catch(() => undefined);
  now.known = { identity: identity && { dev: identity.dev, ino: identity.ino } };
}
