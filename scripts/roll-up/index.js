// Makes the dist/ of a folder (of the project itself, unless one is given) what users need of it: for each entry point
// one small file, and what several share in dist/shared. Names of classes and their public members stay, since they
// show in errors and stacks; comments go, except those that editors show from the declarations; and none of these is an
// error where a driver's package is not installed.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { parseSync, Visitor } from "rolldown/utils";
import { minify } from "terser";
import { rolledDeclarations } from "./declarations.js";

const SHORTEST_LINE = 800;

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("../..", import.meta.url)));
const dist = join(root, "dist");

/**
 * @type {{ exports: Record<string, string | { types: string, default: string }>, bin: Record<string, string>,
 * peerDependencies: object }}
 */
const { exports, bin, peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What no entry point leads to: the threads of SQLite load it by its path, and shall load little. */
const THREADS = [
  "dist/drivers/blocking/worker.js",
  "dist/drivers/better-sqlite3/module.js",
  "dist/drivers/node-sqlite/module.js",
];

const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).map((file) => join(dist, file));
const entries = Object.values(exports).filter((entry) => typeof entry !== "string");
const rolled = [
  ...(await code([...entries.map((entry) => entry.default), ...Object.values(bin), ...THREADS])),
  ...rolledDeclarations(dist, named(entries.map(({ types }) => types)), peerDependencies),
];
for (const file of files) if ([".js", ".ts"].includes(extname(file))) rmSync(file);
for (const { fileName, text } of rolled) {
  const file = join(dist, fileName);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
removeEmptyFolders(dist);

/** @param {readonly string[]} patterns */
async function code(patterns) {
  const input = named(patterns).map((file) => [relative(dist, file).replace(/\.js$/, ""), file]);
  const bundle = await rolldown({
    input: Object.fromEntries(input),
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    platform: "node",
    plugins: [filesBeside()],
  });
  // A module belongs to the first of them that needs it. Only threads do things when they are loaded.
  const started = new Set(named(THREADS));
  const parts = { defer: ["dist/src/defer/index.js"], threads: THREADS, adbapi: ["dist/src/index.js"] };
  const groups = Object.entries(parts).map(([name, paths], index, { length }) => {
    const modules = reachable(paths);
    return {
      name,
      // Above 0: below it would be above all others.
      priority: length - index,
      test: (/** @type {string} */ id) => modules.has(id) && !started.has(id),
    };
  });
  const { output } = await bundle.generate({
    entryFileNames: "[name].js",
    chunkFileNames: "shared/[name].js",
    codeSplitting: { groups },
    minify: { compress: { target: "node20", keepNames: { class: true, function: false } }, mangle: false },
  });
  const chunks = output.filter((chunk) => chunk.type === "chunk");
  return Promise.all(
    chunks.map(async ({ fileName, code }) => ({ fileName, text: broken(await minified(code)) })),
  );
}

/**
 * One minifier folds what the other leaves: terser alone, or the roll-up's own alone, gives some 4 and 10 kB more.
 * @param {string} text
 */
async function minified(text) {
  const { code = "" } = await minify(withClassNames(text), {
    module: true,
    ecma: 2020,
    keep_classnames: true,
    compress: { passes: 3, unsafe_arrows: true, hoist_funs: true },
  });
  return code;
}

/**
 * The roll-up leaves classes without a name of their own: they had it from a variable, which is given a short one.
 * @param {string} text
 */
function withClassNames(text) {
  /** @type {{ name: string, place: number }[]} */
  const classes = [];
  new Visitor({
    VariableDeclarator({ id, init }) {
      if (init?.type === "ClassExpression" && init.id === null && id.type === "Identifier") {
        classes.push({ name: id.name, place: init.start + "class".length });
      }
    },
  }).visit(parseSync("chunk.js", text).program);
  classes.sort((a, b) => b.place - a.place);
  return classes.reduce((all, { name, place }) => `${all.slice(0, place)} ${name}${all.slice(place)}`, text);
}

/** @param {readonly string[]} paths */
function reachable(paths) {
  const found = new Set(paths.map((path) => join(root, path)));
  for (const file of found) {
    for (const [, path] of readFileSync(file, "utf8").matchAll(/ from "(\.[^"]+)"/g)) {
      found.add(resolve(dirname(file), path));
    }
  }
  return found;
}

/** @param {readonly string[]} patterns */
function named(patterns) {
  return files.filter((file) => patterns.some((pattern) => matches(join(root, pattern), file)));
}

/** @param {string} pattern with one `*` at most @param {string} file */
function matches(pattern, file) {
  const [before, after] = pattern.split("*");
  return after === undefined ? file === pattern : file.startsWith(before) && file.endsWith(after);
}

/**
 * Code that asks for a file by its place beside it may end up in another folder: its relative URLs are made to lead
 * where they led.
 * @returns {import("rolldown").Plugin}
 */
function filesBeside() {
  return {
    name: "files beside",
    transform(text, id) {
      let changed = text;
      for (const { value, start, end } of relativeUrls(text).reverse()) {
        const path = relative(dist, join(dirname(id), value)) + (value.endsWith("/") ? "/" : "");
        changed = `${changed.slice(0, start)}"dist:${path}"${changed.slice(end)}`;
      }
      return changed;
    },
    renderChunk: (text, { fileName }) =>
      text.replace(/(["'`])dist:(.*?)\1/g, (_, quote, path) => {
        const beside = relative(dirname(fileName), path) + (path.endsWith("/") ? "/" : "");
        return `${quote}${beside.startsWith(".") ? "" : "./"}${beside}${quote}`;
      }),
  };
}

/** The first of two arguments of which the second is `import.meta.url`. @param {string} text */
function relativeUrls(text) {
  /** @type {{ value: string, start: number, end: number }[]} */
  const found = [];
  /** @param {{ arguments: readonly any[] }} call */
  const look = ({ arguments: [path, base] }) => {
    const relativeToThis = base?.type === "MemberExpression" && base.object.type === "MetaProperty";
    if (relativeToThis && typeof path.value === "string") found.push(path);
  };
  new Visitor({ CallExpression: look, NewExpression: look }).visit(parseSync("module.js", text).program);
  return found.sort((a, b) => a.start - b.start);
}

/**
 * Into lines, between statements and members of classes, so that an error which ends a program shows where, and not a
 * page of code. @param {string} text
 */
function broken(text) {
  /** @type {number[]} */
  const places = [];
  /** @param {{ body: readonly { start: number }[] }} node */
  const note = ({ body }) => void places.push(...body.map(({ start }) => start));
  new Visitor({ Program: note, BlockStatement: note, ClassBody: note }).visit(
    parseSync("chunk.js", text).program,
  );
  let from = 0;
  const lines = [];
  for (const place of places.sort((a, b) => a - b)) {
    if (place - from < SHORTEST_LINE) continue;
    lines.push(text.slice(from, place));
    from = place;
  }
  return [...lines, text.slice(from)].join("\n");
}

/** @param {string} folder */
function removeEmptyFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name));
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
