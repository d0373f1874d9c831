/** F18: what a borrower leaves in the session does not reach the next one; B35: nor does an open transaction. */
import type { EventEmitter } from "node:events";
import { type Connection, type ConnectionPool, ProgrammingError } from "adbapi";
import { expect, test } from "vitest";
import type { Target } from "../support/target.js";
import { describeEach, TARGETS } from "../support/targets.js";
import { failureOf, ids, withItems } from "./statement-facts.js";

/** What is done to a session, and a question whose answer is 0 in a new one. */
interface Trace {
  readonly name: string;
  readonly leave: readonly string[];
  readonly ask: string;
}

const TRACES: Readonly<Record<"postgres" | "mysql" | "file", readonly Trace[]>> = {
  postgres: [
    {
      name: "SET",
      leave: ["set application_name = 'left'"],
      ask: "select (current_setting('application_name') = 'left')::int as n",
    },
    {
      name: "a temporary table",
      leave: ["create temporary table scratch (id integer)"],
      ask: "select count(*)::int as n from pg_class where relname = 'scratch' and pg_table_is_visible(oid)",
    },
    {
      name: "an advisory lock",
      leave: ["select pg_advisory_lock(42)"],
      ask: "select count(*)::int as n from pg_locks where locktype = 'advisory' and objid = 42 and pid = pg_backend_pid()",
    },
    {
      name: "a prepared statement",
      leave: ["prepare mine as select 1"],
      ask: "select count(*)::int as n from pg_prepared_statements where name = 'mine'",
    },
    {
      name: "LISTEN",
      leave: ["listen news"],
      ask: "select count(*)::int as n from pg_listening_channels()",
    },
  ],
  mysql: [
    {
      name: "SET SESSION",
      leave: ["set session max_statement_time = 77"],
      ask: "select @@session.max_statement_time = 77 as n",
    },
    {
      name: "sql_mode",
      leave: ["set session sql_mode = 'NO_UNSIGNED_SUBTRACTION'"],
      ask: "select @@session.sql_mode like '%NO_UNSIGNED_SUBTRACTION%' as n",
    },
    {
      name: "a user variable",
      leave: ["set @mine = 5"],
      ask: "select coalesce(@mine, 0) as n",
    },
    {
      name: "a temporary table",
      leave: ["create temporary table items (id integer)"],
      ask: "select count(*) = 0 as n from items",
    },
    {
      name: "GET_LOCK",
      leave: ["select get_lock('mine', 1)"],
      ask: "select coalesce(is_used_lock('mine') = connection_id(), 0) as n",
    },
    {
      name: "USE other",
      leave: ["use information_schema"],
      ask: "select database() = 'information_schema' as n",
    },
    {
      name: "autocommit off",
      leave: ["set autocommit = 0"],
      ask: "select @@autocommit = 0 as n",
    },
  ],
  file: [
    {
      name: "a pragma",
      leave: ["pragma cache_size = 777"],
      ask: "select cache_size = 777 as n from pragma_cache_size",
    },
    {
      name: "a temporary table",
      leave: ["create temporary table scratch (id integer)"],
      ask: "select count(*) as n from sqlite_temp_master where name = 'scratch'",
    },
    {
      name: "an attached database",
      leave: ["attach ':memory:' as other"],
      ask: "select count(*) as n from pragma_database_list where name = 'other'",
    },
  ],
};

function tracesOf(target: Target): readonly Trace[] {
  if (target.server === undefined) return TRACES.file;
  return TRACES[target.server === "postgres" ? "postgres" : "mysql"];
}

async function left(pool: ConnectionPool, { ask }: Trace): Promise<boolean> {
  const [row] = await pool.runQuery<{ n: unknown }>(ask);
  return Number(row!.n) !== 0;
}

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  const byConnection = (pool: ConnectionPool, { leave }: Trace) =>
    pool.runWithConnection(async (connection) => {
      for (const sql of leave) await connection.cursor().execute(sql);
    });
  const byInteraction = (pool: ConnectionPool, { leave }: Trace) =>
    pool
      .runInteraction(async (transaction) => {
        for (const sql of leave) await transaction.runOperation(sql);
      })
      .addErrback(() => undefined); // some of them end the transaction

  test.each(tracesOf(target))(
    "F18 $name left by runWithConnection does not reach the next borrower",
    (trace) =>
      withItems(target, { min: 1, max: 1 }, async (pool) => {
        await byConnection(pool, trace);
        expect(await left(pool, trace)).toBe(false);
      }),
  );

  test.each(tracesOf(target))("F18 $name left by an interaction, resetOnRelease: true", (trace) =>
    withItems(target, { min: 1, max: 1, resetOnRelease: true }, async (pool) => {
      await byInteraction(pool, trace);
      expect(await left(pool, trace)).toBe(false);
    }),
  );

  test("F18 resetOnRelease: false leaves the session as it is", () =>
    withItems(target, { min: 1, max: 1, resetOnRelease: false }, async (pool) => {
      const [trace] = tracesOf(target);
      await byConnection(pool, trace!);
      expect(await left(pool, trace!)).toBe(true);
    }));

  test("F18 by default an interaction pays for no reset", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const [trace] = tracesOf(target);
      await byInteraction(pool, trace!);
      expect(await left(pool, trace!)).toBe(true);
    }));

  const { server } = target;
  test.runIf(server !== undefined).each([undefined, true, false])(
    "F18 listeners on native go with their taker, those of openfun stay, once (resetOnRelease: %s)",
    async (resetOnRelease) => {
      const opened = () => {};
      const openfun = (connection: Connection) => (connection.native as EventEmitter).on("told", opened);
      await withItems(target, { min: 1, max: 1, openfun, resetOnRelease }, async (pool) => {
        const listeners = (native: EventEmitter) =>
          [native.rawListeners("told"), native.rawListeners("mine"), native.listenerCount("error")] as const;
        let before: ReturnType<typeof listeners> | undefined;
        for (let taker = 0; taker < 3; taker++) {
          await pool
            .runWithConnection(async (connection) => {
              const native = connection.native as EventEmitter;
              before ??= listeners(native);
              expect(listeners(native)).toEqual(before);
              expect(before).toEqual([[opened], [], expect.any(Number)]);
              native.on("mine", () => {}).on("error", () => {});
              native.on("told", opened);
              native.once("told", () => {});
              await connection.cursor().execute("select 1");
              throw new Error("of its own");
            })
            .catch((error: unknown) => expect(error).toHaveProperty("message", "of its own"));
        }
      });
    },
  );

  test("F18 openfun runs again after a reset, and never otherwise", async () => {
    let opened = 0;
    const openfun = () => {
      opened++;
    };
    await withItems(target, { min: 1, max: 1, openfun }, async (pool) => {
      await pool.runQuery("select 1 as v");
      expect(opened).toBe(1);
      await pool.runInteraction(() => undefined);
      expect(opened).toBe(1);
      await pool.runWithConnection(() => undefined);
      expect(opened).toBe(2);
      expect(pool.stats).toMatchObject({ size: 1, connects: 1 });
    });
  });

  test("F18 statements prepared before a reset are right after it", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const select = target.sql("select name from items where id = ?");
      for (let round = 0; round < 3; round++) {
        for (let n = 0; n < 8; n++) expect(await pool.runQuery(select, [2])).toEqual([{ name: "two" }]);
        await pool.runWithConnection((connection) => connection.cursor().execute(select, [1]));
      }
    }));

  test("F18 a failed function is reset after as well", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const [trace] = tracesOf(target);
      const failing = pool.runWithConnection(async (connection) => {
        for (const sql of trace!.leave) await connection.cursor().execute(sql);
        throw new Error("a business error");
      });
      await expect(failing).rejects.toThrow("a business error");
      expect(await left(pool, trace!)).toBe(false);
    }));

  const openers = ["begin", ...(target.server === undefined ? ["begin immediate", "savepoint mine"] : [])];
  test.each([
    ...openers,
    ...(target.server === "postgres" ? ["start transaction isolation level serializable"] : []),
    ...(target.implicitCommitOnDdl ? ["set autocommit = 0", "start transaction"] : []),
  ])("B35 %s as a single statement: rolled back, refused, and nobody is inside of it", (sql) =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      const error = await failureOf(pool.runOperation(sql));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain("runInteraction");
      await pool.runOperation(insert, [10]);
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
      // Beside others in one turn, too.
      const answers = await Promise.allSettled([
        pool.runOperation(insert, [11]),
        pool.runOperation(sql),
        pool.runOperation(insert, [12]),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await ids(database)).toEqual([1, 2, 3, 10, 11, 12]);
    }),
  );

  test("B35 a stray COMMIT or ROLLBACK harms nobody", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      for (const sql of ["commit", "rollback"]) await pool.runOperation(sql).catch(() => {});
      await pool.runOperation(insert, [10]);
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
    }));
});
