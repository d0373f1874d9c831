import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { CommandError } from "./command-error.js";

/**
 * Writes this process's id to `path`, and removes the file when the process exits. A file that a crash left behind
 * is replaced; one whose process is alive means that the application runs already.
 */
export function holdPidfile(path: string): void {
  try {
    create(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new CommandError(`Cannot write the pidfile: ${(error as Error).message}`);
    }
    removeStale(path);
    create(path);
  }
  process.on("exit", () => rmSync(path, { force: true }));
}

/** Exclusive, so that of two who start in the same moment one fails. */
function create(path: string): void {
  writeFileSync(path, `${process.pid}\n`, { flag: "wx" });
}

function removeStale(path: string): void {
  const text = readFileSync(path, "utf8").trim();
  const pid = Number(text);
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new CommandError(
      `The pidfile ${path} does not hold a process id but ${JSON.stringify(text.slice(0, 40))}`,
    );
  }
  if (pid !== process.pid && isAlive(pid)) {
    throw new CommandError(`Already running as process ${pid}, says the pidfile ${path}`);
  }
  rmSync(path);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
