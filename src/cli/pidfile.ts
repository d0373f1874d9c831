import {
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";
import { CommandError } from "./command-error.js";

/**
 * Writes this process's id to `path`, and removes the file when the process exits, if it is still this one's. A file
 * that a crash left behind is replaced, by one process of all that try; one whose process is alive means that the
 * application runs already.
 */
export function holdPidfile(path: string): void {
  const file = resolve(path); // The application may go to another directory.
  try {
    take(file);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot write the pidfile: ${(error as Error).message}`);
  }
  process.on("exit", () => {
    try {
      if (processId(readFileSync(file, "utf8").trim()) === process.pid) rmSync(file);
    } catch {} // It has been removed.
  });
}

/** A file appears with its content, under its name, or not at all: no process reads half of one. */
function take(file: string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${process.pid}\n`);
  try {
    for (;;) {
      if (create(draft, file)) return;
      const stale = staleIn(file);
      if (stale !== undefined && replace(draft, file, stale)) return;
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** False where there is one. */
function create(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP" && code !== "ENOSYS") throw error;
  }
  // A file system without links.
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** What tells a file from another of the same name that came after it. */
interface Incarnation {
  readonly pid: number;
  readonly inode: number;
  readonly writtenAt: number;
}

/**
 * The file of a process that is dead; undefined where it has gone by now. Throws where it is no pidfile, or its process
 * alive.
 */
function staleIn(file: string): Incarnation | undefined {
  const found = incarnationOf(file);
  if (found === undefined) return undefined;
  const { text, inode, writtenAt } = found;
  const pid = processId(text);
  if (pid === undefined) {
    throw new CommandError(
      `The pidfile ${file} does not hold a process id but ${JSON.stringify(text.slice(0, 40))}`,
    );
  }
  if (pid !== process.pid && isAlive(pid)) {
    throw new CommandError(`already running as process ${pid}, says the pidfile ${file}`);
  }
  return { pid, inode, writtenAt };
}

/** Text and inode of one and the same file: between two looks by name another process may have put its own there. */
function incarnationOf(file: string): { text: string; inode: number; writtenAt: number } | undefined {
  let opened: number | undefined;
  try {
    opened = openSync(file, "r");
    const { ino, mtimeMs } = fstatSync(opened);
    return { text: readFileSync(opened, "utf8").trim(), inode: ino, writtenAt: mtimeMs };
  } catch (error) {
    // A link that leads nowhere is there, and would be found missing for ever.
    const isThere = lstatSync(file, { throwIfNoEntry: false }) !== undefined;
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && !isThere) return undefined;
    throw error;
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

/**
 * Puts ours in the place of that stale file; false where another process was faster. Only the process that holds the
 * claim on a stale file may replace it, and a claim is a pidfile too, so that one which a crash left is taken over in
 * the same way.
 */
function replace(draft: string, file: string, stale: Incarnation): boolean {
  const claim = `${file}.stale-${stale.pid}-${stale.inode}`;
  take(claim);
  try {
    const now = incarnationOf(file);
    if (now?.inode !== stale.inode || now.writtenAt !== stale.writtenAt) return false;
    renameSync(draft, file);
    return true;
  } finally {
    rmSync(claim, { force: true });
  }
}

function processId(text: string): number | undefined {
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
