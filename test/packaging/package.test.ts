/** What is in the package, and that it works where it is installed. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { VERSION } from "adbapi/opentelemetry";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { installed, modulesOf, node, packed, project, ROOT, run, tarball } from "./packed.js";

describe("what is in it", () => {
  let paths: readonly string[];
  beforeAll(() => {
    paths = packed.files.map(({ path }) => path);
  });

  test("the code, its sources and the pages, and no more", () => {
    const wanted =
      /^(dist\/(src|drivers|shared)\/|src\/|drivers\/|docs\/(?!api\/)|bench\/README\.md$|[A-Z]+(\.md)?$|package\.json$)/;
    expect(paths.filter((path) => !wanted.test(path))).toEqual([]);
    expect(paths).toEqual(
      expect.arrayContaining([
        "CHANGELOG.md",
        "dist/src/cli/index.js",
        "dist/drivers/blocking/worker.js",
        "dist/drivers/better-sqlite3/module.js",
        "dist/drivers/node-sqlite/module.js",
      ]),
    );
  });

  test("links of the README and of other pages lead somewhere", () => {
    const pages = paths.filter((path) => path.endsWith(".md"));
    expect(pages).toEqual(expect.arrayContaining(["README.md", "docs/design.md"]));
    const links = pages.flatMap((page) =>
      [...readFileSync(join(ROOT, page), "utf8").matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)]
        .map(([, link]) => link!)
        .filter((link) => !/^[a-z]+:/.test(link))
        .map((link) => ({ page, target: join(dirname(page), link) })),
    );
    expect(links.length).toBeGreaterThan(50);
    const dead = links.filter(
      ({ target }) => !paths.some((path) => path === target || path.startsWith(`${target}/`)),
    );
    expect(dead).toEqual([]);
  });

  test("every file of code has a source map, whose sources are there too", async () => {
    const folder = join(modulesOf(await project()), "adbapi");
    const maps = paths.filter((path) => path.endsWith(".map"));
    const missing = paths.filter(
      (path) => /^dist\/.*\.(js|d\.ts)$/.test(path) && !maps.includes(`${path}.map`),
    );
    expect(missing).toEqual([]);
    for (const path of maps) {
      const { sources } = JSON.parse(readFileSync(join(folder, path), "utf8")) as { sources: string[] };
      for (const source of sources) expect(paths, path).toContain(join(dirname(path), source));
    }
  });

  test("npm installs it, with one driver's package or with none", async () => {
    const text = `import { ConnectionPool } from "adbapi";
      console.log(JSON.stringify(new ConnectionPool("pg", {}).paramstyle))`;
    expect(await node(await installed(), "app.mjs", text)).toBe("numeric");
    const connect = `const { ConnectionPool } = await import("adbapi");
      const pool = new ConnectionPool("pg", "postgres://nobody@127.0.0.1:1/none");
      console.log(JSON.stringify(await pool.runQuery("select 1").catch((error) => error.cause?.code ?? error.code)))`;
    expect(await node(await installed("pg"), "app.mjs", connect)).toBe("ECONNREFUSED");
  });

  test("a thread of SQLite loads its own part only", async () => {
    const dist = join(modulesOf(await project()), "adbapi", "dist");
    const loaded = new Set(
      ["drivers/blocking/worker.js", "drivers/better-sqlite3/module.js"].map((path) => join(dist, path)),
    );
    for (const file of loaded) {
      for (const [, path] of readFileSync(file, "utf8").matchAll(/ from '(\.[^']+)'/g))
        loaded.add(join(dirname(file), path!));
    }
    expect([...loaded].map((file) => relative(dist, file))).not.toContain("shared/adbapi.js");
    expect(loaded.size).toBeGreaterThan(2);
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
});

/** Every path that the manifest offers. */
function subpaths(): string[] {
  const drivers = packed.files.flatMap(
    ({ path }) => /^dist\/drivers\/([^/]+)\/index\.js$/.exec(path)?.[1] ?? [],
  );
  return Object.keys(packageJson.exports).flatMap((path) => {
    const subpath = path.replace(/^\.\/?/, "/").replace(/\/$/, "");
    return path.includes("*") ? drivers.map((name) => subpath.replace("*", name)) : subpath;
  });
}

describe("every entry point", () => {
  const needed = ["kysely", "@opentelemetry/api", "ws"];

  test("by import", async () => {
    const code = subpaths().filter((path) => path !== "/package.json");
    expect(code).toEqual(expect.arrayContaining(["", "/drivers/pg", "/drivers/blocking", "/kysely"]));
    const text = `for (const path of ${JSON.stringify(code)}) await import("adbapi" + path); console.log(1)`;
    expect(await node(await project(...needed), "all.mjs", text)).toBe(1);
  });

  test("by require, as the same things", async () => {
    const text = `const { InterfaceError } = require("adbapi");
      for (const path of ${JSON.stringify(subpaths())}) require("adbapi" + path);
      let same;
      try { require("adbapi/drivers/mysql2").mysql2.checkArgs([1, 2, 3]) } catch (error) { same = error instanceof InterfaceError }
      console.log(same)`;
    expect(await node(await project(...needed), "all.cjs", text)).toBe(true);
  });
});

describe("code and errors can be read", () => {
  test("comments, names and lines are as they were written", async () => {
    const dist = join(modulesOf(await project()), "adbapi", "dist");
    const code = readFileSync(join(dist, "shared/adbapi.js"), "utf8");
    expect(code).toContain("class ConnectionPool");
    expect(code.match(/^ *(\/\*\*|\/\/) /gm)!.length).toBeGreaterThan(500);
    const lines = code.split("\n").filter((line) => !/^(import|export) /.test(line));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(500);
  });

  test("a forgotten await ends the program with lines of code, and with a way to learn more", async () => {
    const folder = await project("better-sqlite3");
    const text = (debugging: boolean) => `import { ConnectionPool, setDebugging } from "adbapi";
      setDebugging(${debugging});
      const pool = new ConnectionPool("better-sqlite3", ":memory:");
      async function save() {
        pool.runOperation("insert into nothing values (1)");
      }
      await save();`;
    const ended = async (debugging: boolean, ...flags: string[]) => {
      writeFileSync(join(folder, "app.mjs"), text(debugging));
      const { code, stderr } = await run(process.execPath, [...flags, "app.mjs"], { cwd: folder }).catch(
        (error) => error,
      );
      expect(code).toBe(1);
      expect(Math.max(...stderr.split("\n").map((line: string) => line.length))).toBeLessThan(200);
      return stderr;
    };
    const plain = await ended(false);
    expect(plain).toMatch(/ProgrammingError: .*nothing/);
    expect(plain).toMatch(/\n {4}at \S+ \(.*adbapi\/dist\/shared\/\w+\.js:\d+:\d+\)/);
    expect(plain).toContain('setDebugging(true) of "adbapi/defer"');
    expect(await ended(false, "--enable-source-maps")).toMatch(/adbapi\/(src|drivers)\/\S+\.ts:\d+:\d+/);
    const debugged = await ended(true);
    expect(debugged).toMatch(/Deferred made:\n {4}at save \(.*app\.mjs:5:\d+\)/);
    expect(debugged).not.toContain("setDebugging");
  });

  test("an error that was handled late says nothing of debugging", async () => {
    const text = `import { fail } from "adbapi";
      const failed = fail(new Error("no"));
      await Promise.resolve();
      const error = await failed.then(undefined, (error) => error);
      process.on("uncaughtExceptionMonitor", () => console.log(JSON.stringify(error.stack.includes("setDebugging"))));
      process.on("uncaughtException", () => {});
      Promise.reject(error);`;
    expect(await node(await project(), "app.mjs", text)).toBe(false);
  });

  test("classes have their names", async () => {
    const text = `import * as all from "adbapi";
      const classes = Object.entries(all).filter(([, value]) => /^class\\b/.test(String(value)));
      console.log(JSON.stringify([classes.length, classes.filter(([name, value]) => value.name !== name)]))`;
    const [count, misnamed] = (await node(await project(), "app.mjs", text)) as [number, unknown[]];
    expect(count).toBeGreaterThan(30);
    expect(misnamed).toEqual([]);
  });

  test("so do the frames of a stack, and an error that ends the program shows a line, not a page", async () => {
    const folder = await project("better-sqlite3");
    writeFileSync(
      join(folder, "app.mjs"),
      `import { ConnectionPool } from "adbapi";
       function mistaken() { return new ConnectionPool("better-sqlite3", ":memory:").runQuery(5); }
       mistaken();`,
    );
    const { stderr } = await run(process.execPath, ["app.mjs"], { cwd: folder }).catch((error) => error);
    expect(stderr).toContain("InterfaceError: The SQL must be a string");
    expect(stderr).toMatch(/at ConnectionPool\.runQuery .*\n\s+at mistaken /);
    expect(Math.max(...stderr.split("\n").map((line: string) => line.length))).toBeLessThan(1_000);
  });

  test("a call from inside of an interaction is known for one", async () => {
    const text = `import { ConnectionPool } from "adbapi";
      const pool = new ConnectionPool("better-sqlite3", ":memory:");
      await pool.runInteraction(async (outer) => {
        await outer.runInteraction(async (inner) => {
          await inner.runQuery("select 1");
          await outer.runQuery("select 1");
        });
        await pool.close();
      });
      console.log(JSON.stringify(pool.closed));`;
    expect(await node(await project("better-sqlite3"), "app.mjs", text)).toBe(true);
  });
});

describe("the command", () => {
  const command = (folder: string) => join(modulesOf(folder), "adbapi", packageJson.bin.adbapi);

  test("knows the version", async () => {
    const { stdout } = await run(process.execPath, [command(await project()), "--version"]);
    expect(stdout.trim()).toBe(packageJson.version);
  });

  test("runs an application, which the package's own classes are the same to", async () => {
    const folder = await project("better-sqlite3");
    const application = `import { ConnectionPool } from "adbapi";
      import { MultiService, poolService, Service } from "adbapi/service";
      const pool = new ConnectionPool("better-sqlite3", ":memory:");
      class Once extends Service {
        async startService() {
          super.startService();
          console.log(JSON.stringify(await pool.runQuery("select 1 as a")));
        }
      }
      const application = new MultiService();
      application.addService(poolService(pool));
      application.addService(new Once());
      export default application;`;
    writeFileSync(join(folder, "app.mjs"), application);
    const { stdout } = await run(process.execPath, [command(folder), "run", "app.mjs"], {
      cwd: folder,
      timeout: 30_000,
    });
    expect(stdout).toContain('[{"a":1}]');
  });
});

describe("the monitor", () => {
  const program = `import { ConnectionPool } from "adbapi";
    import { monitor } from "adbapi/monitor";
    const page = monitor(new ConnectionPool("better-sqlite3", ":memory:"));`;

  test("serves its page", async () => {
    const text = `${program}
      await page.startService();
      const paths = ["", "page.js", "page.css", "uplot.js", "uplot.css"];
      const answers = await Promise.all(paths.map((path) => fetch(page.url + path)));
      const types = answers.map(({ status, headers }) => status + " " + headers.get("content-type").split(";")[0]);
      console.log(JSON.stringify([types, /^<!doctype html>/.test(await answers[0].text())]));
      await page.stopService();`;
    expect(await node(await project("better-sqlite3", "ws", "uplot"), "app.mjs", text)).toEqual([
      ["200 text/html", "200 text/javascript", "200 text/css", "200 text/javascript", "200 text/css"],
      true,
    ]);
  });

  test.each([["ws"], ["uplot"]])("with %s alone, it says what it needs", async (only) => {
    const text = `${program}
      console.log(JSON.stringify([await page.startService().then(String, String), page.running]));`;
    expect(await node(await project("better-sqlite3", only), "app.mjs", text)).toEqual([
      'InterfaceError: The monitor needs the packages "ws" and "uplot": npm install ws uplot',
      false,
    ]);
  });
});
