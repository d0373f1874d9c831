import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { CommandError } from "./command-error.js";

/**
 * Writes this process's id to `path`, and removes the file when the process exits, if it is still this one's. A file
 * that a crash left behind is replaced; one whose process is alive means that the application runs already.
 */
export function holdPidfile(path: string): void {
  const file = resolve(path); // The application may go to another directory.
  try {
    if (!create(file)) {
      removeStale(file);
      if (!create(file)) throw new CommandError(`Another process has just written the pidfile ${path}`);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`Cannot write the pidfile: ${(error as Error).message}`);
  }
  process.on("exit", () => {
    try {
      if (processId(readFileSync(file, "utf8").trim()) === process.pid) rmSync(file);
    } catch {} // Somebody has removed it.
  });
}

/** Exclusive, so that of two who start in the same moment one fails. */
function create(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function removeStale(file: string): void {
  const text = readFileSync(file, "utf8").trim();
  const pid = processId(text);
  if (pid === undefined) {
    const found = JSON.stringify(text.slice(0, 40));
    throw new CommandError(`The pidfile ${file} does not hold a process id but ${found}`);
  }
  if (pid !== process.pid && isAlive(pid)) {
    throw new CommandError(`Already running as process ${pid}, says the pidfile ${file}`);
  }
  rmSync(file);
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
