/** What an error adds to the database's words where people are known to go wrong. */
import { type Params, ProgrammingError } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  const own = target.sql("?");

  test("params that are marked in another database's way: how this driver marks them", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const other =
        pool.paramstyle === "numeric" ? "select ?, 1 as odd" : "select $1 as odd from (select 1 as x) y, z";
      const hint = `this driver marks params as ${pool.paramstyle === "numeric" ? "$1, $2, …" : "?"} (paramstyle`;
      for (const ask of [
        () => pool.runQuery(other, [1]),
        () => pool.runStream(other, [1]).next(),
        () => pool.runInteraction((transaction) => transaction.runQuery(other, [1])),
      ]) {
        const error = await Promise.resolve(ask()).catch((reason: Error) => reason);
        expect(error).toBeInstanceOf(ProgrammingError);
        expect((error as Error).message).toContain(hint);
        expect((error as Error).stack).toContain(hint);
      }
      const told = async (sql: string, params?: Params) =>
        (await pool.runQuery(sql, params).catch((error) => error)) as Error;
      // Nothing is said where the marks are right, or none are meant.
      expect((await told(target.sql("select ? from nowhere"), [1])).message).not.toContain("marks");
      expect((await told("select 1 from nowhere")).message).not.toContain("marks");
    }));

  test("marks without values: that there were no params", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const error = (await pool.runQuery(`select ${own} as x`).catch((reason) => reason)) as Error;
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(/no params were given| 0 /);
    }));
});
