/** Settings of SQLite that only take effect outside of a transaction, made where a transaction begins by itself. */
import type { Connection } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../../support/targets.js";

const SQLITE = TARGETS.filter((target) => target.singleWriter);

async function settings(connection: Connection): Promise<void> {
  const cursor = connection.cursor();
  await cursor.execute("pragma foreign_keys = off");
  await cursor.execute("pragma synchronous = full");
}

describeEach(SQLITE, (target) => {
  test("openfun sets pragmas that a transaction would ignore or refuse", () =>
    withPool(target, { max: 1, openfun: settings }, async (pool) => {
      expect(await pool.runQuery("pragma foreign_keys", [], { rowMode: "array" })).toEqual([[0]]);
      expect(await pool.runQuery("pragma synchronous", [], { rowMode: "array" })).toEqual([[2]]);
    }));

  test("a pragma begins no transaction, and ends none", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation("create table t (a int)");
      const failing = pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute("insert into t values (1)");
        await cursor.execute("pragma user_version");
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await database.observe("select * from t")).toEqual([]);
    }));
});
