/** PEP 249's cursor: a Transaction is one, a Connection makes them. */
import { InterfaceError, UniqueViolation } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type UsePool, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  const withAgents = (use: UsePool<void>) =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation(`create table agents (id ${target.types.id}, name varchar(40) unique)`);
      await pool.runOperation("insert into agents (name) values ('Bond'), ('Smart'), ('Bourne')");
      await use(pool, database);
    });
  const names = "select name from agents order by id";
  const insert = target.sql("insert into agents (name) values (?)");

  test("fetchOne, fetchMany and fetchAll go through the rows, and give nothing past the end", () =>
    withAgents(async (pool) => {
      await pool.runInteraction(async (cursor) => {
        await cursor.execute(names);
        expect(await cursor.fetchOne()).toEqual({ name: "Bond" });
        expect(await cursor.fetchMany(1)).toEqual([{ name: "Smart" }]);
        expect(await cursor.fetchMany(5)).toEqual([{ name: "Bourne" }]);
        expect(await cursor.fetchMany(5)).toEqual([]);
        expect(await cursor.fetchOne()).toBeUndefined();
        expect(await (await cursor.execute(names)).fetchAll()).toHaveLength(3);
        expect(await cursor.fetchAll()).toEqual([]);
      });
    }));

  test.each([-1, 1.5, Number.NaN, "2" as never])("fetchMany(%s) is refused, and takes no row", (wrong) =>
    withAgents(async (pool) => {
      await pool.runInteraction(async (cursor) => {
        await cursor.execute(names);
        await expect(cursor.fetchMany(wrong)).rejects.toThrow(InterfaceError);
        expect(await cursor.fetchAll()).toHaveLength(3);
      });
    }),
  );

  test("execute fires with the cursor itself, and fetching needs no await before it", () =>
    withAgents(async (pool) => {
      await pool.runInteraction(async (transaction) => {
        const executed = transaction.execute(names);
        const fetched = transaction.fetchAll();
        expect((await executed) === transaction).toBe(true);
        expect(await fetched).toHaveLength(3);
      });
    }));

  test("rowCount and description are of the last execute; before it -1 and undefined", () =>
    withAgents(async (pool) => {
      await pool.runInteraction(async (cursor) => {
        expect(cursor.rowCount).toBe(-1);
        expect(cursor.description).toBeUndefined();
        await cursor.execute("select id, name from agents");
        expect(cursor.rowCount).toBe(3);
        expect(cursor.description?.map(({ name }) => name)).toEqual(["id", "name"]);
        await cursor.execute("update agents set name = name");
        expect(cursor.description).toBeUndefined();
        await cursor.execute("delete from agents where name like 'Bo%'");
        expect(cursor.rowCount).toBe(2);
      });
    }));

  test("lastInsertId is the generated key, where the database tells it", () =>
    withAgents(async (pool) => {
      await pool.runInteraction(async (cursor) => {
        await cursor.execute(insert, ["Palmer"]);
        expect(cursor.lastInsertId).toBe(target.lastInsertId ? 4 : undefined);
      });
      const { lastInsertId } = await pool.runOperation(insert, ["Leamas"]);
      expect(lastInsertId).toBe(target.lastInsertId ? 5 : undefined);
    }));

  test("executeMany runs once for each list of params, and sums up", () =>
    withAgents(async (pool) => {
      const many = Array.from({ length: 300 }, (_, n) => [`agent ${n}`]);
      const result = await pool.runInteraction((cursor) => cursor.executeMany(insert, many));
      expect(result).toEqual({ rowCount: 300 });
      const [row] = await pool.runQuery<{ n: unknown }>("select count(*) as n from agents");
      expect(Number(row!.n)).toBe(303);
      expect(await pool.runInteraction((cursor) => cursor.executeMany(insert, []))).toEqual({ rowCount: 0 });
    }));

  test("executeMany that fails in the midst of it leaves nothing", () =>
    withAgents(async (pool, database) => {
      const many = [["Palmer"], ["Bond"], ["Leamas"]];
      const failing = pool.runInteraction((cursor) => cursor.executeMany(insert, many));
      await expect(failing).rejects.toBeInstanceOf(UniqueViolation);
      expect(await database.observe(names)).toHaveLength(3);
    }));

  test("fetching before any execute, and executeMany without a list, are errors of use", () =>
    withAgents(async (pool) => {
      const early = pool.runInteraction((cursor) => cursor.fetchOne());
      await expect(early).rejects.toBeInstanceOf(InterfaceError);
      const listless = pool.runInteraction((cursor) => cursor.executeMany(insert, "Bond" as never));
      await expect(listless).rejects.toBeInstanceOf(InterfaceError);
    }));

  test("cursors of one connection keep their own rows, in one transaction", () =>
    withAgents(async (pool, database) => {
      await pool.runWithConnection(async (connection) => {
        const [writer, reader] = [connection.cursor(), connection.cursor()];
        await reader.execute(names);
        await writer.execute(insert, ["Palmer"]);
        expect(await reader.fetchAll()).toHaveLength(3);
        await connection.rollback();
        await writer.execute(insert, ["Leamas"]);
        await connection.commit();
        await writer.execute(insert, ["Smiley"]);
      });
      expect((await database.observe(names)).map(({ name }) => name)).toEqual([
        "Bond",
        "Smart",
        "Bourne",
        "Leamas",
        "Smiley",
      ]);
    }));
});
