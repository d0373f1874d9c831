/**
 * Prints the way of one piece of work through the files of this library: a real statement on PostgreSQL, with nothing
 * else going on, over a copy of the build that notes each entry into a function.
 *
 *     node scripts/trip.js [query | interaction | cancel] [postgres URL] [--summary] [--build=folder of another dist]
 *
 * A stay is a run of consecutive entries into functions of one file; returns are stays minus files. What runs in other
 * packages and in Node.js is not counted.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import ts from "typescript-5";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    summary: { type: "boolean", default: false },
    build: { type: "string", default: join(root, "dist") },
  },
});
const url = positionals.find((word) => word.includes(":")) ?? process.env.ADBAPI_TEST_POSTGRES;
const asked = positionals.filter((word) => !word.includes(":"));

/** @type {Record<string, { title: string, before?: (pool: any) => PromiseLike<any>, run: (pool: any, from: any) => PromiseLike<unknown> }>} */
const TRIPS = {
  query: { title: "runQuery, to its rows", run: (pool) => pool.runQuery("select 1") },
  interaction: {
    title: "runInteraction with one query, to its answer",
    run: (pool) => pool.runInteraction((/** @type {any} */ transaction) => transaction.runQuery("select 1")),
  },
  cancel: {
    title: "a cancel of a running statement, until its connection is free",
    before: async (pool) => {
      const running = pool.runQuery("select pg_sleep(60)");
      running.addErrback(() => {});
      await sleep(100);
      return { running };
    },
    run: async (pool, { running }) => {
      running.cancel();
      const end = performance.now() + 5_000;
      do await nextTurn();
      while (unnoted(() => pool.stats.inUse) > 0 && performance.now() < end);
    },
  },
};
/** Texts, types and this code itself are known by then. */
const WARM_RUNS = 20;

/** @typedef {{ file: string, functions: string[] }} Stay */

/** What has been entered since the trip began; undefined while no trip is under way. @type {Stay[] | undefined} */
let stays;
/** How many stays there were when the first byte was written. @type {number | undefined} */
let staysBeforeWrite;

for (const name of asked) {
  if (Object.hasOwn(TRIPS, name)) continue;
  console.error(`no trip "${name}": there are ${Object.keys(TRIPS).join(", ")}`);
  process.exit(2);
}
if (url === undefined) {
  console.error("a PostgreSQL server is needed: give its URL, or set ADBAPI_TEST_POSTGRES");
  process.exit(2);
}
Object.defineProperty(globalThis, "noteEntry", { value: noteEntry });
const folder = instrumentedCopy(resolve(values.build));
try {
  noteFirstWrite();
  const { ConnectionPool } = await import(pathToFileURL(join(folder, "dist/src/index.js")).href);
  for (const [name, trip] of Object.entries(TRIPS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    const pool = ConnectionPool.fromUrl(url);
    try {
      const warmRuns = trip.before === undefined ? WARM_RUNS : 2;
      for (let n = 0; n < warmRuns; n++) await trip.run(pool, await trip.before?.(pool));
      // What lingers has gone back to the pool by then.
      await sleep(50);
      print(trip.title, await record(trip, pool));
    } finally {
      await pool.close();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {typeof TRIPS[string]} trip @param {any} pool */
async function record(trip, pool) {
  const from = await trip.before?.(pool);
  staysBeforeWrite = undefined;
  stays = [];
  await trip.run(pool, from);
  const made = stays;
  stays = undefined;
  return made;
}

/** @param {string} title @param {Stay[]} made */
function print(title, made) {
  const before = made.slice(0, staysBeforeWrite);
  const files = filesOf(made);
  console.log(`${title}: ${files} files, ${made.length} stays, ${made.length - files} returns`);
  console.log(`before the first byte is written: ${before.length} stays in ${filesOf(before)} files`);
  if (values.summary) return;
  made.forEach(({ file, functions }, index) => {
    if (index === staysBeforeWrite) console.log("     -- the first byte is written --");
    console.log(`${String(index + 1).padStart(4)} ${file.padEnd(40)} ${functions.join(", ")}`);
  });
  console.log("");
}

/** @param {Stay[]} made */
function filesOf(made) {
  return new Set(made.map(({ file }) => file)).size;
}

/** Called at the entry of each function. @param {string} file @param {string} name */
function noteEntry(file, name) {
  if (stays === undefined) return;
  const last = stays.at(-1);
  if (last?.file === file) last.functions.push(name);
  else stays.push({ file, functions: [name] });
}

/** Asks something that is not a part of the trip. @template T @param {() => T} ask */
function unnoted(ask) {
  const made = stays;
  stays = undefined;
  try {
    return ask();
  } finally {
    stays = made;
  }
}

function noteFirstWrite() {
  const { write } = Socket.prototype;
  Socket.prototype.write = function (/** @type {any[]} */ ...args) {
    staysBeforeWrite ??= stays?.length;
    return /** @type {any} */ (write).apply(this, args);
  };
}

/** A copy of the build beside the packages that it needs. @param {string} build */
function instrumentedCopy(build) {
  const copy = mkdtempSync(join(tmpdir(), "adbapi-trip-"));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  cpSync(join(root, "package.json"), join(copy, "package.json"));
  cpSync(build, join(copy, "dist"), { recursive: true });
  for (const path of readdirSync(join(copy, "dist"), { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".js") || path.includes("monitor/page")) continue;
    const file = join(copy, "dist", path);
    writeFileSync(file, instrumented(readFileSync(file, "utf8"), path.replace(/\.js$/, ".ts")));
  }
  return copy;
}

/** The same text, on the same lines, with a call of `noteEntry` in each function. @param {string} text @param {string} path */
function instrumented(text, path) {
  /** @type {{ at: number, text: string }[]} */
  const inserts = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    const body = ts.isFunctionLike(node) && "body" in node ? node.body : undefined;
    if (body !== undefined) {
      const call = `noteEntry(${JSON.stringify(path)}, ${JSON.stringify(nameOf(node))})`;
      if (ts.isBlock(body)) inserts.push({ at: body.getStart() + 1, text: `${call};` });
      else inserts.push({ at: body.getStart(), text: `(${call}, ` }, { at: body.getEnd(), text: ")" });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS));
  inserts.sort((a, b) => b.at - a.at);
  return inserts.reduce((all, { at, text: call }) => all.slice(0, at) + call + all.slice(at), text);
}

/** What a reader of the way calls the function. @param {ts.Node} node */
function nameOf(node) {
  if (ts.isConstructorDeclaration(node)) return `new ${node.parent.name?.text ?? "class"}`;
  if (ts.isGetAccessor(node)) return `get ${node.name.getText()}`;
  if (ts.isSetAccessor(node)) return `set ${node.name.getText()}`;
  const named = ts.isFunctionLike(node) && node.name !== undefined ? node : node.parent;
  return "name" in named && named.name !== undefined ? named.name.getText() : "=>";
}
