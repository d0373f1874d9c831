/** F1: the package of a driver is not installed, or its thread does not start. */
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConnectionPool, OperationalError } from "adbapi";
import { betterSqlite3With } from "adbapi/drivers/better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { guardedDirectory } from "../support/run-directory.js";
import { quiet } from "../support/with-scripted.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WAITERS = 4;

let project: string;

/** A project that has this library, and no database's package. */
beforeAll(() => {
  project = guardedDirectory("missing");
  const modules = join(project, "node_modules");
  mkdirSync(join(modules, "adbapi"), { recursive: true });
  for (const name of ["package.json", "dist/src", "dist/drivers"]) {
    cpSync(join(ROOT, name), join(modules, "adbapi", name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules", "generic-pool"), join(modules, "generic-pool"));
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

test.each(["pg", "mysql2", "mariadb", "better-sqlite3"])(
  "F1 the package %s is not installed: each waiter hears what to install, and the process lives",
  async (name) => {
    const program = `
      const { ConnectionPool, InterfaceError } = await import(process.argv[1]);
      const [, , name] = process.argv;
      const logger = { debug() {}, info() {}, warn() {}, error() {} };
      const pool = new ConnectionPool(name, name === "better-sqlite3" ? ":memory:" : {}, { min: 1, logger });
      const asked = [
        pool.start(),
        pool.runQuery("select 1"),
        pool.runInteraction(() => {}),
        pool.runStream("select 1").next(),
      ];
      const heard = (await Promise.allSettled(asked)).map(({ reason }) => ({
        known: reason instanceof InterfaceError,
        message: reason?.message,
        cause: reason?.cause?.code,
      }));
      const { waiting, size, connectFailures } = pool.stats;
      await pool.close();
      console.log(JSON.stringify({ heard, waiting, size, connectFailures }));
    `;
    const entry = join(project, "node_modules/adbapi/dist/src/index.js");
    await using child = new ChildProgram(["--input-type=module", "--eval", program, entry, name]);
    const { status, output } = await child.ended();
    expect(status).toBe(0);
    const { heard, connectFailures, ...rest } = JSON.parse(output);
    expect(heard).toHaveLength(WAITERS);
    for (const one of heard) {
      expect(one).toMatchObject({ known: true, message: expect.stringContaining(`npm install ${name}`) });
      expect(one.cause).toMatch(/MODULE_NOT_FOUND/);
    }
    expect(rest).toEqual({ waiting: 0, size: 0 });
    expect(connectFailures).toBeLessThanOrEqual(WAITERS + 5);
  },
);

test("F1 a mysql2 that sends whole numbers as doubles: its first use says which version to install", async () => {
  const old = join(project, "node_modules", "mysql2");
  mkdirSync(old, { recursive: true });
  writeFileSync(
    join(old, "package.json"),
    JSON.stringify({ name: "mysql2", version: "3.23.4", main: "index.js" }),
  );
  writeFileSync(join(old, "index.js"), "exports.createConnection = () => { throw new Error('never') };");
  const program = `
    const { ConnectionPool, InterfaceError } = await import(process.argv[1]);
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const pool = new ConnectionPool("mysql2", {}, { logger });
    const error = await pool.runQuery("select 1").then(() => undefined, (reason) => reason);
    await pool.close();
    console.log(JSON.stringify({ known: error instanceof InterfaceError, message: error?.message }));
  `;
  const entry = join(project, "node_modules/adbapi/dist/src/index.js");
  await using child = new ChildProgram(["--input-type=module", "--eval", program, entry]);
  const { status, output } = await child.ended();
  rmSync(old, { recursive: true });
  expect(status).toBe(0);
  expect(JSON.parse(output)).toEqual({
    known: true,
    message: expect.stringContaining("npm install mysql2@^3.24.0"),
  });
});

test.each([
  ["its code is not there", { workerUrl: new URL("file:///nowhere/worker.js") }],
  ["its module is not there", { moduleUrl: new URL("file:///nowhere/module.js") }],
  ["its module is no module", { moduleUrl: new URL("./server-limits.test.ts", import.meta.url) }],
])(
  "F1 a thread that does not start (%s): each waiter gets the reason at once, and the process lives",
  async (_, options) => {
    const driver = betterSqlite3With(options);
    await using pool = new ConnectionPool(driver, ":memory:", { min: 1, max: 1, logger: quiet });
    const asked = [pool.start(), pool.runQuery("select 1"), pool.runInteraction(() => {})];
    for (const answer of await Promise.allSettled(asked)) {
      expect(answer).toMatchObject({ status: "rejected" });
      const { reason } = answer as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(OperationalError);
      expect(reason.cause).toBeInstanceOf(Error);
    }
    expect(pool.stats).toMatchObject({ size: 0, waiting: 0 });
    expect(pool.stats.connectFailures).toBeLessThanOrEqual(asked.length + 1);
  },
);
