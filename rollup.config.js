// The published form of dist/: what the compiler left there, in one file for each entry point and a few that they share,
// as docs/decisions/0012-a-package-one-can-read.md says. `npm pack` makes it of a fresh build, and builds again after it.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";

const dist = resolve("dist");
const { exports, bin } = JSON.parse(readFileSync("package.json", "utf8"));

/** The threads of SQLite load these by their paths. */
const threads = ["drivers/blocking/worker", "drivers/better-sqlite3/module", "drivers/node-sqlite/module"];
const entries = new Set([
  ...[...Object.values(exports), ...Object.values(bin)].flatMap(entriesOf),
  ...threads,
]);

/** @type {import("rollup").RollupOptions} */
export default {
  input: Object.fromEntries([...entries].map((entry) => [entry, fileOf(entry)])),
  external: /^[^./]/,
  plugins: [compiledFiles()],
  onLog(level, { code, message }) {
    // Of two files that need each other one runs before what it needs is there.
    if (level === "warn") throw new Error(`${code}: ${message}`);
  },
  output: {
    dir: dist,
    entryFileNames: "[name].js",
    chunkFileNames: "shared/[name].js",
    sourcemap: true,
    sourcemapExcludeSources: true,
    minifyInternalExports: false,
    hoistTransitiveImports: false,
    onlyExplicitManualChunks: true,
    manualChunks: sharedFile,
  },
};

/** @type {Record<"defer" | "threads" | "adbapi", Set<string>> | undefined} */
let needed;

/**
 * A file more costs an import more than what is not needed in it, so they are few: what a thread needs, what a user of
 * Deferreds needs, and the rest of the library.
 * @type {import("rollup").GetManualChunk}
 */
function sharedFile(id, { getModuleInfo }) {
  needed ??= {
    defer: neededBy(["src/defer/index"], getModuleInfo),
    threads: neededBy(threads, getModuleInfo),
    adbapi: neededBy(["src/index"], getModuleInfo),
  };
  if (threads.some((entry) => fileOf(entry) === id)) return undefined;
  if (needed.defer.has(id)) return "defer";
  if (!needed.adbapi.has(id)) return undefined;
  return needed.threads.has(id) ? "threads" : "adbapi";
}

/** @param {readonly string[]} entries @param {import("rollup").GetModuleInfo} getModuleInfo */
function neededBy(entries, getModuleInfo) {
  const found = new Set(entries.map(fileOf));
  for (const id of found) {
    for (const imported of getModuleInfo(id)?.importedIds ?? []) {
      if (imported.startsWith(dist)) found.add(imported);
    }
  }
  return found;
}

/**
 * Hands the compiler's source maps on, and takes away its files: what they hold is in others now.
 * @returns {import("rollup").Plugin}
 */
function compiledFiles() {
  return {
    name: "compiled files",
    load: (id) => ({ code: readFileSync(id, "utf8"), map: JSON.parse(readFileSync(`${id}.map`, "utf8")) }),
    // What an entry point looks for beside itself it finds from the shared file too. There is no URL in CommonJS.
    resolveImportMeta(property, { chunkId, moduleId }) {
      const path = relative(dirname(join(dist, chunkId)), moduleId)
        .split(sep)
        .join("/");
      if (property !== "url" || !entries.has(nameOf(moduleId)) || path === basename(moduleId)) return null;
      return `(import.meta.url && new URL("${path}", import.meta.url).href)`;
    },
    generateBundle() {
      for (const path of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
        if (/\.js(\.map)?$/.test(path)) rmSync(join(dist, path));
      }
    },
  };
}

/** The entries, as paths in dist/ without their ending, that a value of `exports` or `bin` stands for. */
function entriesOf(/** @type {string | { default: string }} */ target) {
  const path = typeof target === "string" ? target : target.default;
  if (!path.endsWith(".js")) return [];
  const entry = nameOf(resolve(path));
  const [folder = "", rest = ""] = entry.split("*");
  if (folder === entry) return [entry];
  return readdirSync(join(dist, folder))
    .map((name) => `${folder}${name}${rest}`)
    .filter((each) => existsSync(fileOf(each)));
}

/** @param {string} file */
function nameOf(file) {
  return relative(dist, file).slice(0, -".js".length).split(sep).join("/");
}

/** @param {string} entry */
function fileOf(entry) {
  return join(dist, `${entry}.js`);
}
