// Compiles src/ and drivers/ into dist/, from nothing, so that no file of a past build survives.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { buildSync } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
compile("tsconfig.json");
// npm sees to that when it installs, not when a clone is built again: `npx adbapi` would work once.
chmodSync(`${root}dist/src/cli/index.js`, 0o755);

// The monitor's page, compressed. The package that draws the charts is served beside it, so that a page asks no other
// origin for anything.
const page = { from: `${root}src/monitor/page`, to: `${root}dist/src/monitor/page` };
compile(page.from);
const { outputFiles } = buildSync({
  entryPoints: [`${page.from}/page.ts`],
  outdir: page.to,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  alias: { uplot: "./uplot.js" },
  external: ["./uplot.js"],
  write: false,
});
mkdirSync(page.to, { recursive: true });
compress("index.html", readFileSync(`${page.from}/index.html`));
for (const { path, contents } of outputFiles) compress(basename(path), contents);

/** By path: `typescript-5` has a `tsc` too. @param {string} project */
function compile(project) {
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  execFileSync(process.execPath, [tsc, "-p", project], { cwd: root, stdio: "inherit" });
}

/** @param {string} name @param {Uint8Array} contents */
function compress(name, contents) {
  writeFileSync(`${page.to}/${name}.br`, brotliCompressSync(contents));
}
