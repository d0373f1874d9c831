/** A pool's file is one file: none is made in its place, and every error of opening names it. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, FILE_TARGETS, type PoolOptions, type Target } from "../../support/targets.js";
import { quiet } from "../../support/with-scripted.js";

const OPTIONS: PoolOptions = { min: 1, max: 2, acquireTimeoutMillis: 20_000, logger: quiet };
/** Of pools whose waiters get no connection; a thread that starts on a busy machine has to come within it too. */
const SHORT_MILLIS = 3_000;

interface Place {
  readonly pool: ConnectionPool;
  readonly file: string;
  /** What a second connection gives or fails with, while the first is held. */
  second(sql?: string): PromiseLike<unknown>;
}

async function withFile(target: Target, use: (place: Place) => Promise<void>): Promise<void> {
  await using database = await target.createDatabase();
  const file = database.connectArgs;
  await using pool = new ConnectionPool(target.name, file, {
    ...OPTIONS,
    acquireTimeoutMillis: SHORT_MILLIS,
  });
  await pool.runOperation("create table t (a int)");
  const second = (sql = "select count(*) as n from t") =>
    pool.runInteraction({ readOnly: true }, async (held) => {
      await held.runQuery("select 1");
      return pool.runQuery(sql).then(
        (rows) => rows,
        (error) => error as unknown,
      );
    });
  await use({ pool, file, second });
}

function remove(file: string): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
}

/** What a waiter hears while another connection is open. */
function because(message: RegExp) {
  return {
    name: "PoolTimeout",
    cause: { name: "OperationalError", code: "SQLITE_CANTOPEN", message: expect.stringMatching(message) },
  };
}

describeEach(FILE_TARGETS, (target) => {
  test("F33 deleted: a further connection makes no new one, and says which file is gone", () =>
    withFile(target, async ({ file, second }) => {
      remove(file);
      expect(await second()).toMatchObject(because(/cannot open .*test\.db: it has been deleted/));
      expect(existsSync(file)).toBe(false);
    }));

  test("F33 deleted under a session that is reset: the same, and that is why the session is discarded", async () => {
    await using database = await target.createDatabase();
    const file = database.connectArgs;
    const warnings: string[] = [];
    const logger = { ...quiet, warn: (text: string) => warnings.push(text) };
    await using pool = new ConnectionPool(target.name, file, { ...OPTIONS, logger });
    await pool.runWithConnection(async () => remove(file));
    await expect(pool.runQuery("select 1")).rejects.toThrow(/test\.db: it has been deleted/);
    expect(existsSync(file)).toBe(false);
    expect(warnings).toContainEqual(
      expect.stringMatching(/reset failed: cannot open .*test\.db: it has been deleted/),
    );
  });

  test("F33 replaced: a further connection does not open another database beside the old one", () =>
    withFile(target, async ({ file, second }) => {
      remove(file);
      await using other = new ConnectionPool(target.name, file, OPTIONS);
      await other.runOperation("create table t as select 1 as a");
      expect(await second()).toMatchObject(because(/cannot open .*test\.db: it has been replaced/));
      expect(await other.runQuery("select a from t")).toEqual([{ a: 1 }]);
    }));

  test("F33 moved away and back: it is the same file", () =>
    withFile(target, async ({ file, second }) => {
      const aside = `${file}.aside`;
      renameSync(file, aside);
      expect(await second()).toMatchObject(because(/deleted/));
      renameSync(aside, file);
      expect(await second()).toEqual([{ n: 0 }]);
    }));

  test("F33 replaced while no connection is open: the new one is opened", async () => {
    await using database = await target.createDatabase();
    const file = database.connectArgs;
    await using pool = new ConnectionPool(target.name, file, { ...OPTIONS, min: 0, idleTimeoutMillis: 20 });
    await pool.runOperation("create table t (a int)");
    await expect.poll(() => database.countSessions()).toBe(0);
    remove(file);
    await expect(pool.runQuery("select * from t")).rejects.toMatchObject({
      code: "SQLITE_CANTOPEN",
      message: expect.stringContaining("test.db: it has been deleted"),
    });
    expect(existsSync(file)).toBe(false);
    await using other = new ConnectionPool(target.name, file, OPTIONS);
    await other.runOperation("create table t as select 1 as a");
    expect(await pool.runQuery("select a from t")).toEqual([{ a: 1 }]);
  });

  test.each([
    ["a folder that is not there", "nowhere/shop.db", "SQLITE_CANTOPEN", undefined],
    ["a folder in its place", "folder", "SQLITE_CANTOPEN", (file: string) => mkdirSync(file)],
    [
      "something else than a database",
      "text file 100%.db",
      "SQLITE_NOTADB",
      (file: string) =>
        writeFileSync(file, "no database at all, but long enough to be looked at ".repeat(50)),
    ],
  ])("%s: the error names the file", async (_what, name, code, make) => {
    await using database = await target.createDatabase();
    const file = join(dirname(database.connectArgs), name);
    make?.(file);
    const readonly = target.name === "better-sqlite3" ? { readonly: true } : { readOnly: true };
    for (const args of [file, [file, readonly]]) {
      await using pool = new ConnectionPool(target.name as string, args, OPTIONS);
      for (const attempt of [() => pool.runQuery("select * from sqlite_master"), () => pool.start()]) {
        await expect(attempt()).rejects.toMatchObject({
          name: "OperationalError",
          code,
          message: expect.stringContaining(`cannot open ${file}: `),
        });
      }
    }
    if (make === undefined) expect(existsSync(dirname(file))).toBe(false);
  });

  test("a path with blanks, %, # and ? is that path, again and again", async () => {
    await using database = await target.createDatabase();
    const file = join(dirname(database.connectArgs), "a b%20c#d?e=f&mode=ro.db");
    await using pool = new ConnectionPool(target.name, file, OPTIONS);
    await pool.runOperation("create table t (a int)");
    for (let round = 0; round < 2; round++) {
      await pool.runWithConnection((c) => c.cursor().execute("insert into t values (1)"));
    }
    expect(await pool.runQuery("select count(*) as n from t")).toEqual([{ n: 2 }]);
    expect(existsSync(file)).toBe(true);
  });
});
