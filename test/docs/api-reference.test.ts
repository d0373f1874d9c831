/**
 * The API reference is made of every public name, with TypeDoc's own TypeScript, which may find errors that ours does
 * not.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("it is made without an error or a warning", async () => {
  const args = ["run", "docs", "--workspace", "scripts/api-reference", "--", "--emit", "none"];
  await promisify(execFile)("npm", args, { cwd: ROOT });
}, 120_000);
