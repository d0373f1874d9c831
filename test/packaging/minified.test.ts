/** An application that esbuild has minified: classes have other names in its code, and not where a user reads them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { project, run } from "./packed.js";

const APPLICATION = `
  import * as adbapi from "adbapi";
  import * as defer from "adbapi/defer";
  import { MultiService } from "adbapi/service";
  import { inspect } from "node:util";
  const { AdbapiError, ConnectionPool, InterfaceError, OperationalError, UniqueViolation } = adbapi;
  class Own extends InterfaceError {}
  const errors = Object.entries({ ...adbapi, ...defer }).filter(([, one]) => one?.prototype instanceof Error);
  const service = new MultiService();
  const failed = async (name, ...args) => {
    const pool = new ConnectionPool(name, ...args);
    const error = await pool.runQuery("select * from nothing").then(undefined, (failure) => failure);
    await pool.close();
    return error;
  };
  const pg = await failed("pg", "postgres://127.0.0.1:1/none", { min: 0 });
  console.log(
    JSON.stringify({
      count: errors.length,
      misnamed: errors.filter(([name, one]) => one.name !== name).map(([name]) => name),
      ofInstance: new UniqueViolation("twice").name,
      ofDefer: new defer.CancelledError().name,
      shown: inspect(new UniqueViolation("twice")).split("\\n")[0],
      stack: pg.stack.split(":")[0],
      instance: [pg instanceof OperationalError, pg instanceof AdbapiError, pg instanceof InterfaceError],
      service: (() => { try { service.addService(service) } catch (error) { return error.message } })(),
      // Proof that the bundler renames classes: nothing keeps the name of the application's own.
      renamed: new Own("no").name !== "Own",
    }),
  );`;

test("errors and services are called what they are", async () => {
  const folder = await project("pg");
  writeFileSync(join(folder, "app.js"), APPLICATION);
  await build({
    absWorkingDir: folder,
    entryPoints: ["app.js"],
    outfile: "app.mjs",
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    external: ["pg", "mysql2", "mariadb", "better-sqlite3"],
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
  });
  const { stdout } = await run(process.execPath, [join(folder, "app.mjs")], { timeout: 30_000 });
  const { count, ...told } = JSON.parse(stdout);
  expect(count).toBeGreaterThan(30);
  expect(told).toEqual({
    misnamed: [],
    ofInstance: "UniqueViolation",
    ofDefer: "CancelledError",
    shown: "UniqueViolation: twice",
    stack: "OperationalError",
    instance: [true, true, false],
    service: "the MultiService cannot be a child of itself",
    renamed: true,
  });
});
