/** Looks for the programs of servers on this machine. */
import { accessSync, constants, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Programs } from "./recipe.js";

/** The first folder that has all of the programs; `folders` come before PATH. */
export function findTogether(
  names: readonly string[],
  folders: readonly string[] = [],
): Programs | undefined {
  for (const folder of [...folders, ...searchPath()]) {
    const paths = names.map((name) => [name, join(folder, name)] as const);
    if (paths.every(([, path]) => isExecutable(path))) return Object.fromEntries(paths);
  }
  return undefined;
}

/** One program, wherever it is. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  return findTogether([name], folders)?.[name];
}

/** `parent/<any>/rest`, the highest version first. */
export function versions(parent: string, prefix: string, rest: string): string[] {
  try {
    return readdirSync(parent)
      .filter((name) => name.startsWith(prefix))
      .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
      .map((name) => join(parent, name, rest));
  } catch {
    return [];
  }
}

/** Where Homebrew keeps its formulas. */
export const HOMEBREW = ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"];

function searchPath(): string[] {
  // Debian keeps servers in folders that an ordinary user's PATH leaves out.
  return [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
