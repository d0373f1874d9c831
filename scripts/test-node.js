// The whole test suite on another Node.js: npm run test:node -- 22|24|26 [what vitest takes].
// A copy of the project, in .cache/, has better-sqlite3 13, which carries its binary for that version; all else is shared.
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [version = "", ...args] = process.argv.slice(2);
if (!["22", "24", "26"].includes(version)) {
  console.error("npm run test:node -- 22|24|26 [what vitest takes]");
  process.exit(2);
}
const PACKAGES = { node: version, "better-sqlite3": "13" };

const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = join(root, ".cache", `node${version}`);
const installed = join(scratch, "installed");
const copy = join(scratch, "copy");

install();
copyProject();
process.exitCode = runTests(args);

function install() {
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, "package.json"), JSON.stringify({ private: true, dependencies: PACKAGES }));
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  execFileSync("npm", ["install", ...quiet], { cwd: installed, stdio: "inherit" });
}

function copyProject() {
  rmSync(copy, { recursive: true, force: true });
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
  });
  const files = listed.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
  for (const file of [...files, "dist"]) cpSync(join(root, file), join(copy, file), { recursive: true });
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync(join(root, "node_modules"))) {
    const from = Object.hasOwn(PACKAGES, name) ? installed : root;
    symlinkSync(join(from, "node_modules", name), join(copy, "node_modules", name));
  }
  const { workspaces } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const folder of workspaces) {
    symlinkSync(join(root, folder, "node_modules"), join(copy, folder, "node_modules"));
  }
}

/** @param {readonly string[]} args */
function runTests(args) {
  const node = join(
    installed,
    "node_modules",
    "node",
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  console.log(`Node.js ${execFileSync(node, ["--version"], { encoding: "utf8" })}`);
  const path = `${dirname(node)}${delimiter}${process.env.PATH}`;
  const vitest = join(copy, "node_modules", "vitest", "vitest.mjs");
  const options = { cwd: copy, stdio: /** @type {const} */ ("inherit"), env: { ...process.env, PATH: path } };
  return spawnSync(node, [vitest, "run", ...args], options).status ?? 1;
}
