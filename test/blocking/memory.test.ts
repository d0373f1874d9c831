/** A private database: each taker finds the session as it was opened, and nobody loses it unheard. */
import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { untilThreadWorks } from "../support/busy-thread.js";
import { eventually } from "../support/eventually.js";
import { mortalDriver } from "../support/mortal-sqlite.js";
import { describeEach, FILE_TARGETS, type PoolOptions, type Target } from "../support/targets.js";
import { quiet } from "../support/with-scripted.js";

const SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ["query_only", "on"],
  ["ignore_check_constraints", "on"],
  ["foreign_keys", "on"],
  ["foreign_keys", "off"],
  ["writable_schema", "on"],
  ["temp_store", "memory"],
  ["cache_size", "7"],
  ["temp.cache_size", "7"],
  ["cache_spill", "off"],
  ["secure_delete", "fast"],
  ["case_sensitive_like", "on"],
  ["recursive_triggers", "on"],
  ["reverse_unordered_selects", "on"],
  ["read_uncommitted", "on"],
  ["trusted_schema", "off"],
  ["legacy_alter_table", "on"],
  ["full_column_names", "on"],
  ["short_column_names", "off"],
  ["count_changes", "on"],
  ["automatic_index", "off"],
  ["busy_timeout", "1"],
  ["threads", "2"],
  ["analysis_limit", "9"],
  ["wal_autocheckpoint", "3"],
  ["journal_size_limit", "3"],
  ["max_page_count", "300"],
  ["synchronous", "off"],
  ["locking_mode", "exclusive"],
  ["journal_mode", "off"],
  ["cell_size_check", "on"],
];

async function withMemory(
  target: Target,
  options: PoolOptions,
  use: (pool: ConnectionPool) => Promise<void>,
): Promise<void> {
  await using pool = new ConnectionPool(target.name, ":memory:", { logger: quiet, ...options });
  await pool.runOperation("create table kept (a int check (a > 0))");
  await pool.runOperation("insert into kept values (1)");
  await use(pool);
}

/** All that can be read of the session. */
async function stateOf(pool: ConnectionPool): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {};
  const read = async (sql: string) => {
    state[sql] = await pool.runQuery(sql, [], { rowMode: "array" });
  };
  await read("select 'a' like 'A'");
  await read("select name from temp.sqlite_master");
  await read("pragma database_list");
  for (const [name] of SETTINGS) if (name !== "case_sensitive_like") await read(`pragma ${name}`);
  return state;
}

describeEach(FILE_TARGETS, (target) => {
  test("every setting of a taker is taken back, with and without what else they left", () =>
    withMemory(target, {}, async (pool) => {
      await pool.runWithConnection(async (c) => c.cursor().execute("select 1"));
      const before = await stateOf(pool);
      for (const [name, value] of SETTINGS) {
        for (const leavings of [false, true]) {
          await pool.runWithConnection(async (connection) => {
            const cursor = connection.cursor();
            if (leavings) {
              await cursor.execute("create temp table t (id integer primary key autoincrement, b)");
              await cursor.execute("insert into t (b) values (1)");
              await cursor.execute("create temp view v as select * from t");
              await cursor.execute("create temp trigger g after insert on kept begin select 1; end");
              await connection.commit();
              await cursor.execute("attach ':memory:' as aside");
            }
            await cursor.execute(`pragma ${name} = ${value}`);
          });
          expect(await stateOf(pool), `${name} = ${value}`).toEqual(before);
        }
      }
      await expect(pool.runOperation("insert into kept values (-1)")).rejects.toMatchObject({
        name: "CheckViolation",
      });
      expect(await pool.runQuery("select * from kept")).toEqual([{ a: 1 }]);
      expect(pool.stats.connects).toBe(1);
    }));

  test("what openfun has set is set again", () =>
    withMemory(
      target,
      { openfun: (connection) => connection.cursor().execute("pragma cache_size = 77") },
      async (pool) => {
        await pool.runWithConnection((c) => c.cursor().execute("pragma cache_size = 7"));
        expect(await pool.runQuery("pragma cache_size")).toEqual([{ cache_size: 77 }]);
      },
    ));

  test.each(["hard_heap_limit = 100000000", "soft_heap_limit(100000000)", "main.temp_store_directory = '.'"])(
    "pragma %s holds for the whole process: refused",
    (setting) =>
      withMemory(target, {}, async (pool) => {
        const sql = `pragma ${setting}`;
        const taken = pool.runWithConnection((c) => c.cursor().execute(sql));
        for (const refused of [taken, pool.runOperation(sql), pool.runInteraction((t) => t.runQuery(sql))]) {
          await expect(refused).rejects.toMatchObject({
            name: "NotSupportedError",
            message: expect.stringContaining("cannot be taken back"),
          });
        }
        expect(await pool.runQuery("pragma hard_heap_limit")).toEqual([{ hard_heap_limit: 0 }]);
      }),
  );

  test("it does not grow too old", () =>
    withMemory(target, { min: 0, maxLifetimeMillis: 20, idleTimeoutMillis: 10 }, async (pool) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await pool.runQuery("select * from kept")).toEqual([{ a: 1 }]);
      expect(pool.stats.connects).toBe(1);
    }));

  test("F34 a database that had to be given up is told of, once, to who asks next", () =>
    withMemory(target, {}, async (pool) => {
      const deaf = pool.runQuery(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 6000000) select count(*) from n",
      );
      await untilThreadWorks();
      deaf.cancel();
      await expect(deaf).rejects.toMatchObject({ name: "CancelledError" });
      await eventually("disconnects", () => pool.stats.disconnects, 1);
      await expect(pool.runQuery("select * from kept")).rejects.toMatchObject({
        name: "OperationalError",
        message: expect.stringMatching(/private database was lost .* finds a new, empty one/),
      });
      await pool.runOperation("create table kept (a int)");
      expect(await pool.runQuery("select * from kept")).toEqual([]);
    }));

  test.each(["die now", "die soon"])(
    "F34 the same when its thread ends (%s), and nothing is run anew",
    async (how) => {
      await using pool = new ConnectionPool(mortalDriver(target), ":memory:", { logger: quiet });
      await pool.runOperation("create table if not exists kept (a int)");
      const first = pool.runQuery(`select '${how}'`).then(
        () => undefined,
        () => undefined,
      );
      await first;
      await eventually("disconnects", () => pool.stats.disconnects, 1);
      await expect(pool.runInteraction((t) => t.runQuery("select 1"))).rejects.toMatchObject({
        message: expect.stringContaining("private database was lost"),
      });
      expect(await pool.runQuery("select name from sqlite_master")).toEqual([]);
    },
  );
});
