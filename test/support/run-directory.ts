/**
 * The temporary directory of this process, and its watchdog: however the process ends (also by SIGKILL), the servers in
 * there are killed and the directory is removed. The watchdog waits for the end of a pipe, the one signal of a death
 * that cannot be missed.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An account of this machine. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** A new directory in there, for one server or one file. */
export function guardedDirectory(kind: string, owner?: Account): string {
  runDirectory ??= createRunDirectory();
  const directory = mkdtempSync(join(runDirectory, `${kind}-`));
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  return directory;
}

/** Starts a program that does not outlive this process. One at a time in each directory. */
export function spawnGuarded(
  directory: string,
  file: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  // A process group of its own: Ctrl-C is for the test run, which then stops its servers.
  const child = spawn(file, args, { ...options, cwd: directory, detached: true });
  const pidFile = join(directory, PID_FILE);
  if (child.pid !== undefined) writeFileSync(pidFile, String(child.pid));
  child.once("exit", () => rmSync(pidFile, { force: true }));
  return child;
}

/** SIGKILL for a guarded program and its children. */
export function killTree(pid: number): void {
  execFileSync("sh", ["-c", `${KILL_TREE} kill_tree "$1"`, "sh", String(pid)]);
}

let runDirectory: string | undefined;

const PID_FILE = "guarded.pid";

// PostgreSQL's children leave the group of their parent, so they are looked up, while it is stopped and makes no more.
// They are waited for, since a new server refuses data that an old process still has in memory. (Where nobody reaps
// orphans they stay as zombies.)
const KILL_TREE = `
kill_tree() {
  kill -STOP "$1" 2>/dev/null
  children=$(cat "/proc/$1/task/$1/children" 2>/dev/null || pgrep -P "$1" 2>/dev/null)
  kill -KILL "-$1" $children 2>/dev/null
  for child in $children; do
    for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      kill -0 "$child" 2>/dev/null || break
      grep -qs "^State:.Z" "/proc/$child/status" && break
      sleep 0.05
    done
  done
  return 0
}
`;

const WATCHDOG = `${KILL_TREE}
cat >/dev/null
for file in "$1"/*/${PID_FILE}; do
  [ -f "$file" ] && kill_tree "$(cat "$file")"
done
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$1" 2>/dev/null && exit 0
  sleep 0.2
done
`;

function createRunDirectory(): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), "adbapi-test-"));
  chmodSync(directory, 0o711); // a server under another account passes through
  const watchdog = spawn("sh", ["-c", WATCHDOG, "adbapi-test-watchdog", directory], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watchdog.unref();
  (watchdog.stdin as Socket).unref();
  return directory;
}
