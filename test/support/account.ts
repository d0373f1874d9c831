import { execFileSync } from "node:child_process";
import type { Account } from "./run-directory.js";

/**
 * Servers refuse to run as root: the server's own account if it exists, else nobody. Undefined where this process is an
 * ordinary user.
 */
export function accountFor(name: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const candidate of [name, "nobody"]) {
    try {
      const id = (flag: string) =>
        Number(execFileSync("id", [flag, candidate], { stdio: ["ignore", "pipe", "ignore"] }));
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // no such account on this machine
    }
  }
  throw new Error(
    `Neither ${name} nor nobody is an account of this machine; run the tests as an ordinary user`,
  );
}
