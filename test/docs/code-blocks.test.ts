/** Every block of code in README.md and docs/ is type-checked and run, against the databases of the test run. */
import { execFile, fork } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { own } from "../support/children.js";
import { guardedDirectory } from "../support/run-directory.js";
import type { TestDatabase } from "../support/target.js";
import { TARGETS } from "../support/targets.js";
import { allPages, type Page, type Program, ROOT } from "./pages.js";

/** Placeholders of the pages: an environment variable, or a literal URL; and the target that stands behind each. */
const DATABASES = [
  { variable: "DATABASE_URL", literal: /(["'])postgres(?:ql)?:\/\/[^"'\s]*\1/g, target: "pg" },
  { variable: "MYSQL_URL", literal: /(["'])mysql:\/\/[^"'\s]*\1/g, target: "mysql2" },
  { variable: "MARIADB_URL", literal: /(["'])mariadb:\/\/[^"'\s]*\1/g, target: "mariadb" },
] as const;

const pages = allPages();
const root = fileURLToPath(ROOT);
/** Inside of the repository, so that the programs find the package by its own name, and its dependencies. */
const folder = join(root, "artifacts", `code-blocks-${process.pid}`);
const outside = guardedDirectory("docs");

beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
});

test("every block is well typed", async () => {
  const names = new Map<string, string>();
  const checked = join(folder, "types");
  mkdirSync(checked);
  for (const page of pages) {
    const beside = join(checked, page.path.replaceAll(/[/.]/g, "-"));
    mkdirSync(beside);
    for (const [name, text] of page.files) writeFileSync(join(beside, name), text);
    page.programs.forEach((program, index) => {
      if (!program.typed) return;
      const name = fileName(page, index, "ts");
      names.set(`${basename(beside)}/${name}`, program.place);
      writeFileSync(join(beside, name), `${program.source}\nexport {};\n`);
    });
  }
  const compilerOptions = {
    noEmit: true,
    declaration: false,
    declarationMap: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { ...compilerOptions, rootDir: root },
  };
  writeFileSync(
    join(checked, "tsconfig.json"),
    JSON.stringify({ ...config, include: ["**/*.ts"], exclude: [] }),
  );
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const run = promisify(execFile)(process.execPath, [tsc, "-p", checked, "--pretty", "false"], {
    cwd: checked,
  });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  let report = stdout;
  for (const [name, place] of names) report = report.replaceAll(name, place);
  expect(report).toBe("");
});

describe.concurrent.each(
  pages.filter((page) => page.programs.some(({ runnable }) => runnable !== undefined)),
)("$path", (page) => {
  test("every block runs, and prints what it says", () => runPage(page), 60_000);
});

test("a promise is kept by the line that it tells, and by no other", () => {
  expect(unkept(["10, before the next", "{ a: 1 }", "true"], ["", "{ a: 1 }", "10", "true"])).toEqual([]);
  expect(unkept(["100000"], ["", "1", "10000", "1000000"])).toEqual(["100000"]);
  expect(unkept(["7", "7"], ["7"])).toEqual(["7"]);
});

test("a block that is not run says why", () => {
  expect(pages.flatMap(({ unexplained }) => unexplained)).toEqual([]);
});

test("an excerpt is what its file says", () => {
  for (const { file, lines } of pages.flatMap(({ excerpts }) => excerpts)) {
    const source = new Set(
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .map((line) => line.trim()),
    );
    expect(
      lines.filter((line) => !source.has(line.trim())),
      file,
    ).toEqual([]);
  }
});

test("npm scripts in shell blocks exist", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const named = pages.flatMap(({ commands }) => [
    ...commands.join("\n").matchAll(/\bnpm run (?:-\S+ )*([\w:-]+)/g),
  ]);
  expect(named.map(([, script]) => script).filter((script) => !(script! in scripts))).toEqual([]);
});

test("links between pages lead somewhere", () => {
  expect(pages.flatMap(deadLinks)).toEqual([]);
});

async function runPage(page: Page): Promise<void> {
  const databases: TestDatabase[] = [];
  try {
    await runWith(page, databases);
  } finally {
    for (const database of databases) await database[Symbol.asyncDispose]();
  }
}

async function runWith(page: Page, databases: TestDatabase[]): Promise<void> {
  const jobs: {
    readonly url: string;
    readonly folder: string;
    readonly env: Record<string, string>;
    readonly program: Program;
  }[] = [];
  const beside = join(folder, page.path.replaceAll(/[/.]/g, "-"));
  mkdirSync(beside, { recursive: true });
  for (const [name, text] of page.files) {
    const { code } = transformSync(text, { loader: "ts", target: "node20" });
    writeFileSync(join(beside, name.replace(/\.ts$/, ".js")), code);
  }
  for (const [index, program] of page.programs.entries()) {
    if (program.runnable === undefined) continue;
    const env = await databasesFor(program.runnable, databases);
    if (env === undefined) continue;
    let source = program.runnable;
    for (const { variable, literal } of DATABASES) source = source.replaceAll(literal, `"${env[variable]}"`);
    const { code } = transformSync(source, {
      loader: "ts",
      format: "esm",
      target: "node20",
      sourcemap: "inline",
      sourcefile: page.path,
    });
    const file = join(beside, fileName(page, index, "mjs"));
    writeFileSync(file, code);
    const own = join(outside, fileName(page, index, "d"));
    mkdirSync(own);
    jobs.push({ url: pathToFileURL(file).href, folder: own, env, program });
  }
  const answers = await runPrograms(jobs);
  for (const { url, program } of jobs) {
    const answer = answers.get(url);
    expect(answer, `${program.place} did not end`).toBeDefined();
    expect(answer!.failed, program.place).toBeUndefined();
    const missing = unkept(program.promised, answer!.printed);
    expect(missing, `${program.place} printed ${JSON.stringify(answer!.printed)}`).toEqual([]);
  }
}

/**
 * Promises that no line keeps. A line keeps one, which is the line itself, or the line, a comma and a remark; an empty
 * line keeps none.
 */
function unkept(promised: readonly string[], printed: readonly string[]): readonly string[] {
  const left = printed.filter((line) => line !== "");
  return promised.filter((text) => {
    const index = left.findIndex((line) => text === line || text.startsWith(`${line}, `));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

/** A fresh database for each that the program mentions; undefined where one cannot be had here. */
async function databasesFor(
  source: string,
  made: TestDatabase[],
): Promise<Record<string, string> | undefined> {
  const env: Record<string, string> = {};
  for (const { variable, literal, target: name } of DATABASES) {
    if (!source.includes(variable) && source.match(literal) === null) continue;
    const target = TARGETS.find((one) => one.name === name);
    if (target === undefined || target.unavailable !== undefined) return undefined;
    const database = await target.createDatabase();
    made.push(database);
    env[variable] = database.connectArgs;
  }
  return env;
}

interface Answer {
  readonly url: string;
  readonly printed: readonly string[];
  readonly failed?: string;
}

/** All programs of a page in one process: each has its answer, unless it or one before it ended the process. */
function runPrograms(jobs: readonly object[]): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>();
  const fixture = fileURLToPath(new URL("../fixtures/run-programs.js", import.meta.url));
  const list = JSON.stringify(jobs, (key, value) => (key === "program" ? undefined : value));
  const child = own(
    fork(fixture, [list], {
      execArgv: ["--enable-source-maps"],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    }),
  );
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  child.on("message", (answer: Answer) => answers.set(answer.url, answer));
  const killer = setTimeout(() => child.kill("SIGKILL"), 50_000);
  return new Promise((resolve, reject) => {
    child.once("close", (code) => {
      clearTimeout(killer);
      if (code === 0) resolve(answers);
      else reject(new Error(`the page's process ended with ${code}:\n${output}`));
    });
  });
}

function fileName(page: Page, index: number, ending: string): string {
  return `${page.path.replaceAll(/[/.]/g, "-")}-${index}.${ending}`;
}

function deadLinks(page: Page): string[] {
  const text = readFileSync(new URL(page.path, ROOT), "utf8");
  const here = new URL(page.path, ROOT);
  return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
    .map(([, link]) => link!)
    .filter((link) => !existsSync(new URL(link, here)))
    .map((link) => `${page.path}: ${link}`);
}
