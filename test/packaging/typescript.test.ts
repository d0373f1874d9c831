/**
 * A user's project, compiled against the packed declarations by the oldest TypeScript that is supported and by the
 * newest.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { modulesOf, project, ROOT, run } from "./packed.js";

// Compilers take their time, the more of it the busier the machine.
vi.setConfig({ testTimeout: 180_000 });

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
type DriverName = keyof typeof drivers;
const names = Object.keys(drivers) as DriverName[];
const resolutions = { node16: "node16", bundler: "preserve" };

async function compiled(
  compiler: "typescript" | "typescript-5",
  folder: string,
  resolution: keyof typeof resolutions,
  types: readonly string[] | "none named" = ["node"],
): Promise<string> {
  const compilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    moduleResolution: resolution,
    module: resolutions[resolution],
    target: "es2022",
    ...(types === "none named" ? {} : { types }),
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["app.mts"] }));
  const tsc = join(modulesOf(ROOT), compiler, "bin/tsc");
  const ended = run(process.execPath, [tsc, "-p", folder], { cwd: folder });
  return (await ended.catch((error) => error)).stdout;
}

async function projectOf(name: DriverName): Promise<string> {
  const { packages, right, wrong } = drivers[name];
  const folder = await project(...packages, "@types/node");
  const text = `import { ConnectionPool, type Queryable, UniqueViolation } from "adbapi";
      import { type Deferred, gatherResults } from "adbapi/defer";
      import driver from "adbapi/drivers/${name.replace(":", "-")}";
      import { MultiService, poolService } from "adbapi/service";
      const pool = new ConnectionPool("${name}", ${right}, { max: 2 });
      const rows: Promise<{ a: number }[]> = pool.runQuery<{ a: number }>("select 1 as a").toPromise();
      const count = async (db: Queryable) => (await db.runOperation("delete from t")).rowCount;
      const both: Deferred<[number, number]> = gatherResults([count(pool), pool.runInteraction(count)]);
      const service = new MultiService();
      service.addService(poolService(pool));
      export const all = [rows, both, service, new ConnectionPool(driver, ${right}), UniqueViolation];
      // @ts-expect-error
      new ConnectionPool("${name}", ${wrong});
      // @ts-expect-error
      pool.runQuery(1);
      `;
  writeFileSync(join(folder, "app.mts"), text);
  return folder;
}

describe.each(["typescript", "typescript-5"] as const)("%s", (compiler) => {
  test.each(names)("%s alone: its arguments are checked, and no other package is missed", async (name) => {
    const folder = await projectOf(name);
    expect(await compiled(compiler, folder, "node16")).toBe("");
    // The old compiler takes ten times as long: one driver stands for all.
    if (compiler === "typescript" || name === "mysql2")
      expect(await compiled(compiler, folder, "bundler")).toBe("");
  });

  test("whatever needs a package more", async () => {
    const folder = await project("kysely", "@opentelemetry/api", "ws", "@types/ws", "uplot", "@types/node");
    const text = `import { ConnectionPool } from "adbapi";
        import { AdbapiDialect } from "adbapi/kysely";
        import { type Monitor, monitor } from "adbapi/monitor";
        import { instrument } from "adbapi/opentelemetry";
        import { Kysely } from "kysely";
        const pool = new ConnectionPool("node:sqlite", ":memory:");
        const db = new Kysely<{ t: { a: number } }>({ dialect: new AdbapiDialect({ pool }) });
        const page: Monitor = monitor(pool);
        instrument(pool).disable();
        export const rows: Promise<{ a: number }[]> = db.selectFrom("t").selectAll().execute();
        export const url: string = page.url;
        `;
    writeFileSync(join(folder, "app.mts"), text);
    expect(await compiled(compiler, folder, "node16")).toBe("");
  });

  // The old compiler looks at all types that it finds.
  test.runIf(compiler === "typescript")(
    "a tsconfig that names no types: each entry point asks for those of Node.js itself",
    async () => {
      const folder = await project(
        ...["kysely", "@opentelemetry/api", "ws", "@types/ws", "uplot", "pg", "@types/pg", "@types/node"],
      );
      for (const entry of [
        "",
        "/defer",
        "/service",
        "/kysely",
        "/monitor",
        "/opentelemetry",
        "/drivers/node-sqlite",
      ]) {
        writeFileSync(join(folder, "app.mts"), `export * from "adbapi${entry}";`);
        expect(await compiled(compiler, folder, "node16", "none named"), entry).toBe("");
      }
    },
  );
});
