/**
 * The package as users get it: packed, and unpacked into a project's node_modules beside the packages that it is to
 * find. Nothing is downloaded.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { guardedDirectory } from "../support/run-directory.js";

export const run = promisify(execFile);
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const modulesOf = (folder: string) => join(folder, "node_modules");

export let tarball: string;
export let packed: { readonly unpackedSize: number; readonly files: readonly { path: string }[] };
let scratch: string;

/** As `npm pack` does it, on a copy: other tests use dist/ meanwhile. */
beforeAll(async () => {
  scratch = guardedDirectory("package");
  const copy = join(scratch, "copy");
  const taken = packageJson.files.filter((name) => !name.startsWith("!"));
  for (const name of ["package.json", "README.md", "LICENSE", ...taken])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  const rollup = [
    join(modulesOf(ROOT), "rollup/dist/bin/rollup"),
    "--config",
    join(ROOT, "rollup.config.js"),
  ];
  await run(process.execPath, [...rollup, "--silent"], { cwd: copy });
  const args = ["pack", "--json", "--ignore-scripts", "--offline", "--pack-destination", scratch];
  const { stdout } = await run("npm", args, { cwd: copy });
  [packed] = JSON.parse(stdout);
  tarball = join(scratch, JSON.parse(stdout)[0].filename);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A project that has the package, what that depends on, and these packages. */
export async function project(...packages: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(scratch, "project-"));
  const installed = join(modulesOf(folder), "adbapi");
  mkdirSync(installed, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components", "1"]);
  for (const name of [...Object.keys(packageJson.dependencies), ...packages]) {
    const target = join(modulesOf(folder), name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(modulesOf(ROOT), name), target);
  }
  return folder;
}

/** A project into which npm itself has installed the package, beside these; all it needs is here already. */
export async function installed(...packages: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(scratch, "installed-"));
  const here = [...Object.keys(packageJson.dependencies), ...packages];
  const dependencies = Object.fromEntries(here.map((name) => [name, `file:${join(modulesOf(ROOT), name)}`]));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, dependencies: { ...dependencies, adbapi: `file:${tarball}` } }),
  );
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund"], { cwd: folder, timeout: 60_000 });
  return folder;
}

/** What a program of that project printed, as JSON. */
export async function node(folder: string, file: string, text: string): Promise<unknown> {
  writeFileSync(join(folder, file), text);
  const { stdout } = await run(process.execPath, [file], { cwd: folder, timeout: 30_000 });
  return JSON.parse(stdout);
}
