/** Puts a runtime, the drivers' packages and the build of adbapi into a folder of its own. */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What is installed for each, and how it runs a program. */
export const RUNTIMES = {
  node22: { title: "Node.js 22", package: "node", version: "22", command: ["node"] },
  node24: { title: "Node.js 24", package: "node", version: "24", command: ["node"] },
  node26: { title: "Node.js 26", package: "node", version: "26", command: ["node"] },
  bun: { title: "Bun", package: "bun", version: "1", command: ["bun"] },
  deno: {
    title: "Deno",
    package: "deno",
    version: "2",
    command: ["deno", "run", "--allow-all", "--no-prompt"],
  },
};

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Gives its folder, and the command that runs a program there. Rejects where the registry has none for this machine.
 */
export async function install(
  name: keyof typeof RUNTIMES,
): Promise<{ readonly folder: string; readonly command: readonly string[] }> {
  const runtime = RUNTIMES[name];
  const folder = join(root, "node_modules", ".cache", "adbapi-runtimes", name);
  const { devDependencies, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { pg, mysql2, mariadb } = devDependencies;
  const packages = { [runtime.package]: runtime.version, "better-sqlite3": "13", pg, mysql2, mariadb };
  const wanted = JSON.stringify({
    private: true,
    type: "module",
    dependencies: { ...packages, ...dependencies },
  });
  const manifest = join(folder, "package.json");
  if (!existsSync(join(folder, "done")) || readFileSync(manifest, "utf8") !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(manifest, wanted);
    await npmInstall(folder);
    writeFileSync(join(folder, "done"), "");
  }
  const build = join(folder, "node_modules", "adbapi");
  rmSync(build, { recursive: true, force: true });
  mkdirSync(build);
  for (const part of ["dist", "package.json"])
    cpSync(join(root, part), join(build, part), { recursive: true });
  const [program = "", ...args] = runtime.command;
  return { folder, command: [join(folder, "node_modules", ".bin", program), ...args] };
}

async function npmInstall(folder: string): Promise<void> {
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--no-package-lock", "--loglevel=error"];
  // Where the binary of better-sqlite3 is missing for a machine, its package would be compiled for minutes.
  await promisify(execFile)("npm", ["install", ...quiet], {
    cwd: folder,
    timeout: 90_000,
    shell: process.platform === "win32",
  });
}
