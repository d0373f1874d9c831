/** runWithConnection: PEP 249's connection, lent for as long as a function runs. */
import { InterfaceError, ProgrammingError } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type UsePool, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  const withVisits = (use: UsePool<void>) =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation("create table visits (n integer)");
      await use(pool, database);
    });
  const insert = target.sql("insert into visits values (?)");
  const visits = "select n from visits order by n";

  test("commits when the function is done, and fires with what it gave", () =>
    withVisits(async (pool, database) => {
      const give = pool.runWithConnection(async (connection) => {
        await connection.cursor().execute(insert, [1]);
        expect(await database.observe(visits)).toEqual([]);
        return "given";
      });
      expect(await give).toBe("given");
      expect(await database.observe(visits)).toHaveLength(1);
    }));

  test("rolls back when it throws; what it committed before stays", () =>
    withVisits(async (pool) => {
      const failing = pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute(insert, [1]);
        await connection.commit();
        await cursor.execute(insert, [2]);
        throw new Error("enough");
      });
      await expect(failing).rejects.toThrow("enough");
      expect(await pool.runQuery(visits)).toEqual([{ n: 1 }]);
    }));

  test("a statement that fails is not the end of it, where the database goes on", () =>
    withVisits(async (pool) => {
      await pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute(insert, [1]);
        await expect(cursor.execute("select * from notable")).rejects.toBeInstanceOf(ProgrammingError);
        if (target.errorAbortsTransaction) await connection.rollback();
        await cursor.execute(insert, [2]);
      });
      const kept = target.errorAbortsTransaction ? [{ n: 2 }] : [{ n: 1 }, { n: 2 }];
      expect(await pool.runQuery(visits)).toEqual(kept);
    }));

  test.runIf(target.ownSessions)("what it did to the session does not meet the next taker", () =>
    withVisits(async (pool) => {
      await pool.runWithConnection(async (connection) => {
        await connection.cursor().execute("create temporary table mine (n integer)");
      });
      await expect(pool.runQuery("select * from mine")).rejects.toBeInstanceOf(ProgrammingError);
    }),
  );

  test("after its end connection and cursors are of no use", () =>
    withVisits(async (pool) => {
      const { connection, cursor } = await pool.runWithConnection((connection) => ({
        connection,
        cursor: connection.cursor(),
      }));
      await expect(cursor.execute(insert, [1])).rejects.toBeInstanceOf(InterfaceError);
      await expect(connection.commit()).rejects.toBeInstanceOf(InterfaceError);
      await expect(connection.cursor().execute(insert, [1])).rejects.toBeInstanceOf(InterfaceError);
      expect(await pool.runQuery(visits)).toEqual([]);
    }));

  test("native is the driver's own handle, where it lives on this thread", () =>
    withVisits(async (pool) => {
      const native = await pool.runWithConnection((connection) => typeof connection.native);
      expect(native).toBe(target.server === undefined ? "undefined" : "object");
    }));
});
