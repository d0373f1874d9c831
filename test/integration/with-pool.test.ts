/** The pool that other tests are given: on a database of its own, and with a proof at its end. */
import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  test("gives what the test gives, and what is committed is seen from outside", async () => {
    const { id, text, bigint, double, blob } = target.types;
    const rows = await withPool(target, { max: 2 }, async (pool, database) => {
      await pool.runOperation(`create table t (id ${id}, a ${text}, b ${bigint}, c ${double}, d ${blob})`);
      const insert = target.sql("insert into t (a, b, c, d) values (?, ?, ?, ?)");
      const { lastInsertId } = await pool.runOperation(insert, ["x", 2, 0.5, Buffer.from([1])]);
      expect(lastInsertId).toBe(target.lastInsertId ? 1 : undefined);
      return database.observe("select a, c from t");
    });
    expect(rows).toEqual([{ a: "x", c: 0.5 }]);
  });

  test("fails with the test's own error", async () => {
    const failing = withPool(target, {}, async (pool) => {
      await pool.runQuery("select 1");
      throw new Error("of the test");
    });
    await expect(failing).rejects.toThrow("of the test");
  });

  test("may be closed by the test itself", async () => {
    await withPool(target, {}, async (pool) => {
      await pool.runQuery("select 1");
      await pool.close();
      expect(pool.closed).toBe(true);
    });
  });
});

describeEach(SERVER_TARGETS, (target) => {
  test("sessions left open are seen", async () => {
    await using database = await target.createDatabase();
    const pool = new ConnectionPool(target.name, database.connectArgs, { min: 1, max: 1 });
    await pool.runQuery("select 1");
    const nothing = eventually("sessions", () => database.countSessions(), 0, 100);
    await expect(nothing).rejects.toThrow("still 1, expected 0");
    await pool.close();
    await eventually("sessions", () => database.countSessions(), 0);
  });
});
