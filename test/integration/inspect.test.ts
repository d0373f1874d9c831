/** What `console.log` shows of each thing that a caller holds: enough to go on, and never a secret. */
import { inspect } from "node:util";
import { InterfaceError } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  test("a pool says where it leads and what it has", () =>
    withPool(target, { max: 2, min: 0, name: "shop" }, async (pool) => {
      const { address, namespace } = pool.database;
      const shown = inspect(pool);
      expect(shown).toMatch(
        /^ConnectionPool \{ name: 'shop', driver: '[\w:-]+', .*max: 2, size: 0, idle: 0, /,
      );
      expect(shown).toContain(`database: '${namespace}'`);
      if (address !== undefined) expect(shown).toContain(`host: '${address}`);
      await pool.close();
      expect(inspect(pool)).toContain("closed: true");
    }));

  test("a Deferred says its state and its statement, never params", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const rows = pool.runQuery(target.sql("select ? as  secret\n"), ["hush"]);
      expect(inspect(rows)).toMatch(/^Deferred \{ <pending>, select .* as secret \}$/);
      await rows;
      expect(inspect(rows, { depth: 3 })).toMatch(/^Deferred \{ \[ \{ secret: 'hush' \} \], select /);
      const failing = pool.runQuery("select * from nowhere");
      await failing.catch(() => {});
      expect(inspect(failing)).toMatch(/^Deferred \{ <rejected> ProgrammingError: /);
    }));

  test("a transaction, a connection, a cursor and a stream say how far they are", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const { transaction, running } = await pool.runInteraction(async (transaction) => {
        const asked = transaction.runQuery("select 1");
        const running = inspect(transaction);
        await asked;
        expect(inspect(transaction)).toBe("Transaction { <open> }");
        return { transaction, running };
      });
      expect(running).toBe("Transaction { <open>, runs select 1 }");
      expect(inspect(transaction)).toBe("Transaction { <closed> }");
      await pool.runWithConnection((connection) => {
        expect(inspect(connection)).toBe("Connection { <open> }");
        expect(inspect(connection.cursor())).toBe("Cursor { <open> }");
      });
      const stream = pool.runStream("select 1 as one");
      expect(inspect(stream)).toBe("RowStream { <new>, select 1 as one }");
      for await (const _ of stream) expect(inspect(stream)).toBe("RowStream { <open>, select 1 as one }");
      expect(inspect(stream)).toBe("RowStream { <closed>, select 1 as one }");
    }));

  test("an error about params names the statement that they were for", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const sql = target.sql("select ? as wrong");
      const refused = { name: "InterfaceError", sql };
      await expect(pool.runQuery(sql, [undefined])).rejects.toMatchObject(refused);
      await expect(pool.runStream(sql, [undefined]).next()).rejects.toMatchObject(refused);
      await pool.runInteraction(async (transaction) => {
        await expect(transaction.runQuery(sql, [undefined])).rejects.toMatchObject(refused);
        await expect(transaction.executeMany(sql, [[undefined]])).rejects.toBeInstanceOf(InterfaceError);
        await expect(transaction.executeMany(sql, [[undefined]])).rejects.toMatchObject(refused);
      });
    }));
});
