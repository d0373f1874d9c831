// Compiles src/ and drivers/ into dist/, from nothing, so that no file of a past build survives.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
execFileSync("npx", ["tsc", "-p", "tsconfig.json"], { cwd: root, stdio: "inherit" });
// npm sees to that when it installs, not when a clone is built again: `npx adbapi` would work once.
chmodSync(`${root}dist/src/cli.js`, 0o755);

// The monitor's page, with uPlot in it, so that a page asks no other origin for anything.
execFileSync("npx", ["tsc", "-p", "src/monitor/page"], { cwd: root, stdio: "inherit" });
buildSync({
  entryPoints: [`${root}src/monitor/page/page.ts`],
  outdir: `${root}dist/src/monitor/page`,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
});
cpSync(`${root}node_modules/uplot/LICENSE`, `${root}dist/src/monitor/page/uplot.LICENSE`);
cpSync(`${root}src/monitor/page/index.html`, `${root}dist/src/monitor/page/index.html`);
