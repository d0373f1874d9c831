/**
 * Processes that tests start: none outlives the process that runs the tests, whatever becomes of the test that waits
 * for it.
 */
import type { ChildProcess } from "node:child_process";

const alive = new Set<ChildProcess>();

/** SIGKILL for it when this process ends, or the run that it belongs to. */
export function own<Child extends ChildProcess>(child: Child): Child {
  if (alive.size === 0) {
    process.on("exit", killAll);
    process.on("disconnect", killAll);
  }
  alive.add(child);
  child.once("exit", () => {
    alive.delete(child);
    if (alive.size > 0) return;
    process.off("exit", killAll);
    process.off("disconnect", killAll);
  });
  return child;
}

function killAll(): void {
  for (const child of alive) child.kill("SIGKILL");
}
