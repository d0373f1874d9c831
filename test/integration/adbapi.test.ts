/** What Twisted promises of adbapi (the scenarios of its test_adbapi), on every driver. */
import { type Connection, DatabaseError, DeferredList, gatherResults, type Transaction } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, type PoolOptions, TARGETS, type UsePool, withPool } from "../support/targets.js";

const ROWS = 50;
const NUMBERS = Array.from({ length: ROWS }, (_, x) => x);

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into simple values (?)");

  const withSimple = (use: UsePool<void>, options: PoolOptions = {}) =>
    withPool(target, options, async (pool, database) => {
      await pool.runOperation("create table simple (x integer)");
      await use(pool, database);
    });
  const withNumbers = (use: UsePool<void>, options: PoolOptions = {}) =>
    withSimple(async (pool, database) => {
      await gatherResults(NUMBERS.map((x) => pool.runOperation(insert, [x])));
      await use(pool, database);
    }, options);

  test("whatever fails, nothing of it stays and the pool goes on", () =>
    withSimple(async (pool, database) => {
      const failing = [
        pool.runQuery("select * from notable"),
        pool.runOperation("deletexxx from notable"),
        pool.runInteraction(async (transaction) => {
          await transaction.execute(insert, [0]);
          await transaction.execute("select * from notable");
        }),
        pool.runWithConnection(async (connection) => {
          const cursor = connection.cursor();
          await cursor.execute(insert, [0]);
          await cursor.execute("select * from notable");
        }),
      ];
      for (const answer of await Promise.allSettled(failing)) {
        expect(answer).toMatchObject({ status: "rejected", reason: expect.any(DatabaseError) });
      }
      expect(await database.observe("select * from simple")).toEqual([]);
      expect(await pool.runQuery("select 1 as x")).toEqual([{ x: 1 }]);
    }));

  test("operations put rows in, a query gets them out", () =>
    withNumbers(async (pool) => {
      const rows = await pool.runQuery("select x from simple order by x");
      expect(rows).toEqual(NUMBERS.map((x) => ({ x })));
    }));

  test("an interaction fetches row by row", () =>
    withNumbers(async (pool) => {
      async function fetchAll(transaction: Transaction) {
        await transaction.execute("select x from simple order by x");
        for (const x of NUMBERS) expect(await transaction.fetchOne()).toEqual({ x });
        expect(await transaction.fetchOne()).toBeUndefined();
        return "done";
      }
      expect(await pool.runInteraction(fetchAll)).toBe("done");
    }));

  test("a connection's cursor fetches row by row", () =>
    withNumbers(async (pool) => {
      async function fetchAll(connection: Connection) {
        const cursor = connection.cursor();
        await cursor.execute("select x from simple order by x");
        for (const x of NUMBERS) expect(await cursor.fetchOne()).toEqual({ x });
        return "done";
      }
      expect(await pool.runWithConnection(fetchAll)).toBe("done");
    }));

  test("a pooled connection cannot be closed by its user", () =>
    withSimple(
      async (pool) => {
        await pool.runWithConnection(async (connection) => {
          await connection.close();
          await connection.cursor().execute(insert, [1]);
        });
        expect(await pool.runQuery("select x from simple")).toEqual([{ x: 1 }]);
        expect(pool.stats).toMatchObject({ connects: 1, disconnects: 0 });
      },
      { max: 1 },
    ));

  test("many statements at once: each has its own answer", () =>
    withNumbers(async (pool) => {
      const select = target.sql("select x from simple where x = ?");
      const queries = NUMBERS.map((x) => pool.runQuery(select, [x]));
      const answers = await new DeferredList(queries, { fireOnOneErrback: true });
      expect(answers).toEqual(NUMBERS.map((x) => [true, [{ x }]]));

      const remove = target.sql("delete from simple where x = ?");
      const removals = await gatherResults(NUMBERS.map((x) => pool.runOperation(remove, [x])));
      expect(removals.map(({ rowCount }) => rowCount)).toEqual(NUMBERS.map(() => 1));
      expect(await pool.runQuery("select x from simple")).toEqual([]);
    }));

  test("openfun prepares each connection before its first use, and what it did is committed", async () => {
    const opened: Connection[] = [];
    const openfun = async (connection: Connection) => {
      opened.push(connection);
      const cursor = connection.cursor();
      await cursor.execute("create table if not exists openings (n integer)");
      await cursor.execute("insert into openings values (1)");
    };
    await withPool(target, { min: 1, max: 1, openfun }, async (pool, database) => {
      await pool.runQuery("select * from openings");
      expect(opened).toHaveLength(1);
      expect(Number((await database.observe("select count(*) as n from openings"))[0]!.n)).toBe(1);
    });
  });
});
