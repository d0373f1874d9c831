/** Scripts: several statements in one text, each database's own way. */
import { CancelledError, InterfaceError, ProgrammingError, StatementTimeout, UniqueViolation } from "adbapi";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  const table = "create table agents (id integer primary key, name varchar(40));\n";
  const names = "select name from agents order by id";

  test("all statements run, in order, with quotes and comments of any kind", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      const script = [
        `-- first; the table\n${table}insert into agents values (1, 'a;b'), (2, 'it''s');`,
        "/* one; more */ update agents set name = 'c' where id = 2;",
        "select * from agents; -- the end",
      ].join("\n");
      expect(await pool.runScript(script)).toBeUndefined();
      expect(await database.observe(names)).toEqual([{ name: "a;b" }, { name: "c" }]);
      expect(await pool.runQuery("select 1 as n")).toEqual([{ n: 1 }]);
    }));

  test("a text of several statements is one statement to every other verb, before a script and after it", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runScript(table);
      const two = "insert into agents values (1, 'a'); insert into agents values (2, 'b')";
      await expect(pool.runOperation(two)).rejects.toThrow();
      await pool.runScript(two);
      await expect(pool.runOperation(two.replaceAll("values (", "values (1"))).rejects.toThrow();
      expect(await pool.runQuery(names)).toHaveLength(2);
    }));

  test("B46 the first failure ends it, and its error says where", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runScript(table);
      const script = [
        "insert into agents values (1, 'a');",
        "insert into agents values (2, ';');",
        "insert into agents values (1, 'again');",
        "insert into agents values (3, 'c')",
      ].join("\n");
      const error = await pool.runScript(script).then(undefined, (error: unknown) => error);
      expect(error).toBeInstanceOf(UniqueViolation);
      expect(error).toMatchObject({
        statementNumber: 3,
        message: expect.stringMatching(/statement 3.* of the script\)$/),
      });
      expect(await pool.runQuery("select id from agents where id = 3")).toEqual([]);
      expect(pool.stats.idle + pool.stats.inUse).toBeLessThanOrEqual(1);
    }));

  test("B46 a syntax error in the middle has its number", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const script = `${table}insert into agents values (1, 'a;');\nselekt 1;\nselect 2`;
      const error = await pool.runScript(script).then(undefined, (error: unknown) => error);
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error).toMatchObject({ statementNumber: 3, sql: script });
      const { position } = error as ProgrammingError;
      if (position !== undefined) expect(script.slice(position)).toMatch(/^selekt/);
      expect(await pool.runQuery("select 1 as n")).toEqual([{ n: 1 }]);
    }));

  test("B46 a transaction of its own lasts, and one that it leaves open is rolled back", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runScript(table);
      await pool.runScript("begin; insert into agents values (1, 'a'); commit;");
      expect(await database.observe(names)).toHaveLength(1);
      const open = pool.runScript("begin; insert into agents values (2, 'b');");
      await expect(open).rejects.toThrow(/left a transaction open/);
      expect(await database.observe(names)).toHaveLength(1);
    }));

  test.runIf(target.ownSessions)("the session is as new afterwards", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runScript("create temporary table scratch (id integer); insert into scratch values (1);");
      await expect(pool.runQuery("select * from scratch")).rejects.toThrow();
    }),
  );

  test("in a transaction it is a part of that", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runScript(table);
      const inserts = "insert into agents values (1, 'a'); insert into agents values (2, 'b');";
      const failing = pool.runInteraction(async (transaction) => {
        await transaction.runScript(inserts);
        expect(await transaction.runQuery(names)).toHaveLength(2);
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await database.observe(names)).toEqual([]);
      await pool.runInteraction((transaction) => transaction.runScript(inserts));
      expect(await database.observe(names)).toHaveLength(2);
    }));

  test("a failure in a transaction has its number, and a part around it can be undone", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runScript(table);
      await pool.runInteraction(async (transaction) => {
        await transaction.runOperation("insert into agents values (1, 'kept')");
        const part = transaction.runInteraction((nested) =>
          nested.runScript("insert into agents values (2, 'b'); insert into agents values (2, 'b')"),
        );
        await expect(part).rejects.toMatchObject({ statementNumber: 2 });
      });
      expect(await database.observe(names)).toEqual([{ name: "kept" }]);
    }));

  test("a COMMIT in it ends the transaction, and what would follow is refused", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runScript(table);
      const torn = pool.runInteraction(async (transaction) => {
        await transaction.runScript("insert into agents values (1, 'a'); commit; begin;");
        await transaction.runOperation("insert into agents values (2, 'b')");
      });
      await expect(torn).rejects.toThrow();
      expect(await database.observe(names)).toEqual([{ name: "a" }]);
    }));

  test("B46 what is no script is refused before anything is sent", () =>
    withPool(target, { max: 1 }, async (pool) => {
      for (const wrong of ["", " ; ", "select 1;\0select 2", 7 as never]) {
        await expect(pool.runScript(wrong)).rejects.toBeInstanceOf(InterfaceError);
      }
      await expect(pool.runScript("select 1", { rowMode: "array" } as never)).rejects.toThrow(
        /runScript option/,
      );
      await expect(pool.runScript("select 1", [] as never)).rejects.toThrow(InterfaceError);
      const aborted = pool.runScript("select 1", { signal: AbortSignal.abort("why") });
      await expect(aborted).rejects.toMatchObject({ cause: "why", outcome: "not sent" });
    }));

  describe("what takes long", () => {
    const script = `insert into agents values (1, 'a');\n${target.endlessSql};\ninsert into agents values (2, 'b');`;

    test("is stopped by timeoutMillis", () =>
      withPool(target, { max: 1 }, async (pool) => {
        await pool.runScript(table);
        const late = pool.runScript(script, { timeoutMillis: 150 });
        await expect(late).rejects.toBeInstanceOf(StatementTimeout);
        expect(await pool.runQuery("select id from agents where id = 2")).toEqual([]);
      }));

    test("is stopped by a signal, in a transaction too", () =>
      withPool(target, { max: 1 }, async (pool, database) => {
        await pool.runScript(table);
        const stop = new AbortController();
        const stopped = pool.runInteraction((transaction) =>
          transaction.runScript(script, { signal: stop.signal }),
        );
        setTimeout(() => stop.abort(), 150);
        await expect(stopped).rejects.toBeInstanceOf(CancelledError);
        await eventually("rolled back", async () => (await database.observe(names)).length, 0);
      }));
  });
});
