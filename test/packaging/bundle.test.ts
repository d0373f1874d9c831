/**
 * An application with the package in it, bundled by esbuild with the script of docs/bundling.md, and run where the
 * package is not.
 */
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { modulesOf, project, ROOT, run } from "./packed.js";

const page = readFileSync(join(ROOT, "docs/bundling.md"), "utf8");
const recipe = /```js no-run\n(.*?)```/s.exec(page)![1]!;

describe("bundled by esbuild", () => {
  const app = `
    import { ConnectionPool } from "adbapi";
    import { betterSqlite3With } from "adbapi/drivers/better-sqlite3";
    const driver = betterSqlite3With({ workerUrl: WORKER, moduleUrl: MODULE });
    const pool = new ConnectionPool(driver, ":memory:");
    // Nobody answers there: the param is encoded, and then there is no connection.
    const pg = new ConnectionPool("pg", "postgres://127.0.0.1:1/none", { min: 0 });
    pg.runQuery("select $1", [{ toPostgres: () => "encoded" }]).addErrback((failure) => {
      pool.runQuery("select 1 as a").addCallback((rows) => {
        console.log(JSON.stringify([rows, failure.value.name, failure.value.message]));
        return Promise.all([pool.close(), pg.close()]);
      });
    });`;
  const printed = [[{ a: 1 }], "OperationalError", expect.stringContaining("ECONNREFUSED")];

  async function bundle(script: string, out: string, urlOf: (file: string) => string) {
    const folder = await project("better-sqlite3", "pg");
    const modules = modulesOf(folder);
    symlinkSync(join(modulesOf(ROOT), "esbuild"), join(modules, "esbuild"));
    const source = app.replace("WORKER", urlOf("worker.mjs")).replace("MODULE", urlOf("module.mjs"));
    writeFileSync(join(folder, "app.js"), source);
    writeFileSync(join(folder, "build.mjs"), script);
    await run(process.execPath, ["build.mjs"], { cwd: folder });
    rmSync(join(modules, "adbapi"), { recursive: true });
    const { stdout } = await run(process.execPath, [join(folder, out)], { timeout: 30_000 });
    return JSON.parse(stdout);
  }

  test("as ES modules", async () => {
    const urlOf = (file: string) => `new URL("./${file}", import.meta.url)`;
    expect(await bundle(recipe, "out/app.mjs", urlOf)).toEqual(printed);
  });

  test("as CommonJS", async () => {
    const ofApp = 'await bundle("app.js", "out/app.mjs");';
    expect(recipe).toContain(ofApp);
    const common =
      'await build({ entryPoints: ["app.js"], outfile: "out/app.cjs", bundle: true, platform: "node", format: "cjs", ' +
      'external: ["better-sqlite3", "pg", "mysql2", "mariadb"], logLevel: "error" });';
    const urlOf = (file: string) =>
      `require("node:url").pathToFileURL(require("node:path").join(__dirname, "${file}"))`;
    expect(await bundle(recipe.replace(ofApp, common), "out/app.cjs", urlOf)).toEqual(printed);
  });
});
