/** An application with the package in it, bundled by esbuild as docs/bundling.md says, and run where the package is not. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { modulesOf, project, run } from "./packed.js";

describe("bundled by esbuild", () => {
  const external = ["better-sqlite3", "pg", "mysql2", "mariadb"];
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

  async function bundle(format: "esm" | "cjs", urlOf: (file: string) => string) {
    const folder = await project("better-sqlite3", "pg");
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
    expect(await bundle("esm", (file) => `new URL("./${file}", import.meta.url)`)).toEqual(printed);
  });

  test("as CommonJS", async () => {
    const urlOf = (file: string) =>
      `require("node:url").pathToFileURL(require("node:path").join(__dirname, "${file}"))`;
    expect(await bundle("cjs", urlOf)).toEqual(printed);
  });
});
