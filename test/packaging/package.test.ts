/** The package as users get it: packed, unpacked into a project's node_modules beside the package of one driver, and used there. Nothing is downloaded. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { VERSION } from "adbapi/opentelemetry";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { guardedDirectory } from "../support/run-directory.js";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const modulesOf = (folder: string) => join(folder, "node_modules");

let scratch: string;
let tarball: string;
let packed: {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { path: string }[];
};

/** As `npm pack` does it, on a copy: other tests use dist/ meanwhile. */
beforeAll(async () => {
  scratch = guardedDirectory("package");
  const copy = join(scratch, "copy");
  for (const name of ["package.json", ...packageJson.files])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  await run(process.execPath, [join(ROOT, "scripts/slim.js"), copy]);
  const args = ["pack", "--json", "--ignore-scripts", "--offline", "--pack-destination", scratch];
  const { stdout } = await run("npm", args, { cwd: copy });
  [packed] = JSON.parse(stdout);
  tarball = join(scratch, JSON.parse(stdout)[0].filename);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A project that has the package, what that depends on, and these packages. */
async function project(...packages: readonly string[]): Promise<string> {
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

async function node(folder: string, file: string, text: string): Promise<unknown> {
  writeFileSync(join(folder, file), text);
  const { stdout } = await run(process.execPath, [file], { cwd: folder, timeout: 30_000 });
  return JSON.parse(stdout);
}

describe("what is in it", () => {
  test("no more than is used, and small", () => {
    const paths = packed.files.map(({ path }) => path);
    expect(
      paths.filter((path) => !/^(dist\/(src|drivers)\/|README|CHANGELOG|LICENSE|package\.json)/.test(path)),
    ).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(["dist/src/cli.js", "dist/drivers/blocking/worker.js"]));
    expect(packed.size).toBeLessThan(200_000);
    expect(packed.unpackedSize).toBeLessThan(600_000);
  });

  test("one runtime dependency; every driver's package is optional", () => {
    expect(Object.keys(packageJson.dependencies)).toEqual(["generic-pool"]);
    expect(Object.keys(packageJson.peerDependenciesMeta).sort()).toEqual(
      Object.keys(packageJson.peerDependencies).sort(),
    );
  });

  test("publint finds nothing", async () => {
    const { messages } = await publint({ pkgDir: join(modulesOf(await project()), "adbapi"), strict: true });
    expect(messages.map((message) => formatMessage(message, packageJson))).toEqual([]);
  });

  test("the types are right for every way to import it", async () => {
    const attw = join(modulesOf(ROOT), "@arethetypeswrong/cli/dist/index.js");
    // CommonJS gets at ES modules with require, on every version of Node.js that is supported.
    const args = [
      attw,
      tarball,
      "--profile",
      "node16",
      "--ignore-rules",
      "cjs-resolves-to-esm",
      "--no-definitely-typed",
    ];
    await run(process.execPath, args, { env: { ...process.env, FORCE_COLOR: "0" } });
  });

  test("it knows its version", () => expect(VERSION).toBe(packageJson.version));
});

describe("with one driver's package", () => {
  const program = `
    const pool = new ConnectionPool("better-sqlite3", ":memory:");
    pool.runQuery("select 1 as a").addCallback((rows) => {
      console.log(JSON.stringify(rows));
      return pool.close();
    });`;

  test("import", async () => {
    const folder = await project("better-sqlite3");
    expect(await node(folder, "app.mjs", `import { ConnectionPool } from "adbapi";${program}`)).toEqual([
      { a: 1 },
    ]);
  });

  test("require", async () => {
    const folder = await project("better-sqlite3");
    expect(await node(folder, "app.cjs", `const { ConnectionPool } = require("adbapi");${program}`)).toEqual([
      { a: 1 },
    ]);
    const all = `for (const name of ["", "/defer", "/service", "/drivers/pg", "/drivers/mysql2", "/drivers/mariadb", "/drivers/node-sqlite"])
      require("adbapi" + name); console.log(1)`;
    expect(await node(folder, "all.cjs", all)).toBe(1);
  });

  test("the monitor says which package it needs", async () => {
    const folder = await project();
    const text = `import { monitor } from "adbapi/monitor";
      const stats = { idle: 0, inUse: 0, connecting: 0, waiting: 0 };
      const page = monitor({ name: "lonely", stats });
      await page.startService().catch(({ name, message }) => console.log(JSON.stringify([name, message, page.running])));`;
    expect(await node(folder, "app.mjs", text)).toEqual([
      "InterfaceError",
      'The monitor needs the package "ws": npm install ws',
      false,
    ]);
  });

  test("another driver says which package it needs", async () => {
    const folder = await project("better-sqlite3");
    const text = `import { ConnectionPool } from "adbapi";
      const messages = [];
      for (const name of ["pg", "mysql2", "mariadb"])
        await new ConnectionPool(name, {}).runQuery("select 1").addErrback((failure) => messages.push(failure.getErrorMessage()));
      console.log(JSON.stringify(messages));`;
    const messages = (await node(folder, "app.mjs", text)) as string[];
    for (const [n, name] of ["pg", "mysql2", "mariadb"].entries())
      expect(messages[n]).toContain(`npm install ${name}`);
  });

  test("the command", async () => {
    const folder = await project();
    const command = join(modulesOf(folder), "adbapi", packageJson.bin.adbapi);
    expect((await run(process.execPath, [command, "--version"])).stdout.trim()).toBe(packageJson.version);
  });
});

describe("TypeScript", () => {
  const drivers = {
    pg: { packages: ["pg", "@types/pg"], right: '{ host: "h" }', wrong: "{ host: 1 }" },
    mysql2: { packages: ["mysql2"], right: '{ host: "h" }', wrong: "{ host: 1 }" },
    mariadb: { packages: ["mariadb"], right: '{ host: "h" }', wrong: "{ host: 1 }" },
    "better-sqlite3": {
      packages: ["better-sqlite3", "@types/better-sqlite3"],
      right: '["f", { readonly: true }]',
      wrong: '["f", { readonly: 1 }]',
    },
    "node:sqlite": { packages: [], right: '"file.db"', wrong: "1" },
  };
  const options = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "false",
    "--module",
    "nodenext",
    "--target",
    "es2022",
    "--types",
    "node",
  ];

  async function compiled(compiler: string, name: keyof typeof drivers): Promise<string> {
    const { packages, right, wrong } = drivers[name];
    const folder = await project(...packages, "@types/node");
    const text = `import { ConnectionPool, type Queryable } from "adbapi";
      const pool = new ConnectionPool("${name}", ${right}, { max: 2 });
      const rows: Promise<{ a: number }[]> = pool.runQuery<{ a: number }>("select 1 as a").toPromise();
      const count = async (db: Queryable) => (await db.runOperation("delete from t")).rowCount;
      export const both = [rows, count(pool), pool.runInteraction(count)];
      // @ts-expect-error
      new ConnectionPool("${name}", ${wrong});
      `;
    writeFileSync(join(folder, "app.mts"), text);
    const tsc = join(compiler, "bin", "tsc");
    const ended = run(process.execPath, [tsc, ...options, "app.mts"], { cwd: folder });
    return (await ended.catch((error) => error)).stdout;
  }

  test.each(Object.keys(drivers) as (keyof typeof drivers)[])(
    "the newest, %s: its arguments are checked, and no other package is missed",
    async (name) => expect(await compiled(join(modulesOf(ROOT), "typescript"), name)).toBe(""),
  );

  // It takes ten times as long: one driver stands for all.
  test("5", async () => {
    const five = createRequire(import.meta.resolve("@arethetypeswrong/core")).resolve(
      "typescript/package.json",
    );
    expect(await compiled(dirname(five), "mysql2")).toBe("");
  }, 60_000);
});

describe("bundled by esbuild", () => {
  const external = ["better-sqlite3", "pg", "mysql2", "mariadb"];
  const app = `
    import { ConnectionPool } from "adbapi";
    import { betterSqlite3With } from "adbapi/drivers/better-sqlite3";
    const driver = betterSqlite3With({ workerUrl: WORKER, moduleUrl: MODULE });
    const pool = new ConnectionPool(driver, ":memory:");
    pool.runQuery("select 1 as a").addCallback((rows) => {
      console.log(JSON.stringify(rows));
      return pool.close();
    });`;

  async function bundle(format: "esm" | "cjs", urlOf: (file: string) => string) {
    const folder = await project("better-sqlite3");
    const inside = join(modulesOf(folder), "adbapi/dist/drivers");
    writeFileSync(
      join(folder, "app.js"),
      app.replace("WORKER", urlOf("worker.mjs")).replace("MODULE", urlOf("module.mjs")),
    );
    const common = { bundle: true, platform: "node", external, logLevel: "silent" } as const;
    const banner = {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    };
    await build({
      ...common,
      format,
      entryPoints: [join(folder, "app.js")],
      outfile: join(folder, `out/app.${format === "esm" ? "mjs" : "cjs"}`),
      ...(format === "esm" && { banner }),
    });
    for (const [name, file] of [
      ["worker", "blocking/worker.js"],
      ["module", "better-sqlite3/module.js"],
    ] as const) {
      const entryPoints = [join(inside, file)];
      await build({
        ...common,
        format: "esm",
        entryPoints,
        outfile: join(folder, `out/${name}.mjs`),
        banner,
      });
    }
    rmSync(join(modulesOf(folder), "adbapi"), { recursive: true });
    const out = join(folder, `out/app.${format === "esm" ? "mjs" : "cjs"}`);
    const { stdout } = await run(process.execPath, [out], { timeout: 30_000 });
    return JSON.parse(stdout);
  }

  test("as ES modules", async () => {
    expect(await bundle("esm", (file) => `new URL("./${file}", import.meta.url)`)).toEqual([{ a: 1 }]);
  });

  test("as CommonJS", async () => {
    const urlOf = (file: string) =>
      `require("node:url").pathToFileURL(require("node:path").join(__dirname, "${file}"))`;
    expect(await bundle("cjs", urlOf)).toEqual([{ a: 1 }]);
  });
});
