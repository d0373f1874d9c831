/**
 * PRAGMAs that SQLite ignores or refuses inside of a transaction: refused there, before they do anything, whatever
 * leads to them.
 */
import type { ConnectionPool, Transaction } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, FILE_TARGETS, withPool } from "../../support/targets.js";

const OFF = "pragma foreign_keys = off";

/** Ways to say it. */
const TEXTS = [
  OFF,
  ";/* x */ -- y\n PRAGMA Foreign_Keys(0)",
  'pragma main . "foreign_keys" = off',
  "pragma 'foreign_keys' = 0",
  "explain pragma foreign_keys = off",
  "explain query plan pragma [foreign_keys](off)",
];

/** Verbs that lead to it. */
const WAYS: Readonly<Record<string, (t: Transaction, sql: string) => PromiseLike<unknown>>> = {
  runOperation: (t, sql) => t.runOperation(sql),
  runQuery: (t, sql) => t.runQuery(sql),
  execute: (t, sql) => t.execute(sql),
  executeMany: (t, sql) => t.executeMany(sql, [[]]),
  runStream: async (t, sql) => {
    for await (const _ of t.runStream(sql));
  },
  "a savepoint": (t, sql) => t.runInteraction((inner) => inner.runOperation(sql)),
};

const REFUSED = {
  name: "ProgrammingError",
  message: expect.stringContaining("pragma foreign_keys has no effect inside of a transaction"),
};

async function foreignKeys(pool: ConnectionPool): Promise<unknown> {
  const [[value]] = (await pool.runQuery("pragma foreign_keys", [], { rowMode: "array" })) as [[unknown]];
  return value;
}

describeEach(FILE_TARGETS, (target) => {
  test.each(Object.keys(WAYS))("through %s of a transaction: refused, and nothing has changed", (way) =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("pragma foreign_keys = on");
      for (const readOnly of [false, true]) {
        for (const sql of TEXTS) {
          const failing = pool.runInteraction({ readOnly }, async (t) => {
            await t.runQuery("select 1");
            await WAYS[way]!(t, sql);
          });
          await expect(failing, sql).rejects.toMatchObject(REFUSED);
          expect(await foreignKeys(pool), sql).toBe(1);
        }
      }
    }),
  );

  test("as the first statement of an interaction, and once it is known from outside", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("pragma foreign_keys = on");
      await pool.runOperation(OFF);
      expect(await foreignKeys(pool)).toBe(0);
      await pool.runOperation("pragma foreign_keys = on");
      await expect(pool.runInteraction((t) => t.runOperation(OFF))).rejects.toMatchObject(REFUSED);
      expect(await foreignKeys(pool)).toBe(1);
    }));

  test("runWithConnection: refused after a SELECT, welcome before it and after a commit", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const read = async (sql: string) => {
        const seen: unknown[] = [];
        await pool.runWithConnection(async (connection) => {
          const cursor = connection.cursor();
          await cursor.execute("pragma foreign_keys = on");
          for (const text of sql.split("|")) {
            if (text === "commit") await connection.commit();
            else await cursor.execute(text);
          }
          await connection.commit();
          await cursor.execute("pragma foreign_keys");
          seen.push(Object.values((await cursor.fetchOne()) as object)[0]);
        });
        return seen[0];
      };
      await expect(read(`select 1|${OFF}`)).rejects.toMatchObject(REFUSED);
      expect(await read(OFF)).toBe(0);
      expect(await read(`select 1|commit|${OFF}`)).toBe(0);
    }));

  test.each([
    "pragma synchronous = off",
    "pragma journal_mode = delete",
    "pragma temp_store = memory",
    "pragma page_size = 8192",
    "pragma auto_vacuum = full",
    "pragma wal_checkpoint",
    "pragma main.wal_checkpoint(truncate)",
  ])("%s: the same", (sql) =>
    withPool(target, { max: 1 }, async (pool) => {
      const failing = pool.runInteraction((t) => t.runOperation(sql));
      await expect(failing).rejects.toMatchObject({
        name: "ProgrammingError",
        message: expect.stringContaining("inside of a transaction"),
      });
      // That one needs the file for itself.
      if (target.sole || !sql.includes("journal_mode")) await pool.runOperation(sql);
    }),
  );

  test("what only asks, and what works there, is not refused", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("create table t (a int)");
      await pool.runInteraction(async (t) => {
        for (const sql of [
          "pragma foreign_keys",
          "pragma synchronous",
          "pragma journal_mode",
          "pragma table_info(t)",
          "pragma cache_size = 100",
          "pragma defer_foreign_keys = on",
          "pragma recursive_triggers = on",
        ])
          await t.runQuery(sql);
      });
    }));

  test("what is the transaction's own is undone with it", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const failing = pool.runWithConnection(async (connection) => {
        await connection.cursor().execute("pragma user_version = 7");
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await pool.runQuery("pragma user_version")).toEqual([{ user_version: 0 }]);
      await pool.runOperation("create table parent (id integer primary key)");
      await pool.runOperation("create table child (p references parent)");
      await pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute("pragma foreign_keys = on");
        await cursor.execute("pragma defer_foreign_keys = on");
        await cursor.execute("insert into child values (1)");
        await cursor.execute("insert into parent values (1)");
      });
      expect(await pool.runQuery("select p from child")).toEqual([{ p: 1 }]);
    }));

  test("a pragma that comes after the end of its transaction does nothing", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("pragma recursive_triggers = off");
      const failing = pool.runInteraction(async (t) => {
        const both = [t.runOperation("commit"), t.runOperation("pragma recursive_triggers = on")];
        await Promise.allSettled(both);
      });
      await expect(failing).rejects.toMatchObject({ name: "TransactionAborted" });
      expect(await pool.runQuery("pragma recursive_triggers")).toEqual([{ recursive_triggers: 0 }]);
    }));
});
