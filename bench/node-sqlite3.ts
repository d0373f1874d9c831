/** The package sqlite3, a peer that only the bench needs: CI installs it without compiling it, and so may you. */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export const sqlite3 = load() ?? compiled();

function load(): typeof import("sqlite3") | undefined {
  try {
    return require("sqlite3");
  } catch {
    return undefined;
  }
}

function compiled(): typeof import("sqlite3") {
  console.error("The package sqlite3 is not compiled yet: npm rebuild sqlite3 (this once, a minute or two)");
  execFileSync("npm", ["rebuild", "sqlite3"], { stdio: "inherit" });
  return require("sqlite3");
}
