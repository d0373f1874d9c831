/** F7, F12, F28: statements that the server ends, refuses or undoes by itself, with nobody here having asked for it. */
import {
  type Connection,
  ConnectionPool,
  LockNotAvailable,
  StatementTimeout,
  TransactionAborted,
} from "adbapi";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS, TARGETS, withPool } from "../support/targets.js";
import { ids, slowInsert, withItems } from "./statement-facts.js";

const failure = (work: PromiseLike<unknown>) =>
  work.then(
    () => undefined,
    (error: Error & { outcome?: string }) => error,
  );

async function drained(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows);
}

/** Each verb of the pool and of a transaction, as a function from SQL to what it fails with. */
function verbs(pool: ConnectionPool): Record<string, (sql: string) => Promise<unknown>> {
  return {
    runQuery: async (sql) => failure(pool.runQuery(sql)),
    runOperation: async (sql) => failure(pool.runOperation(sql)),
    runStream: async (sql) => failure(drained(pool.runStream(sql))),
    runInteraction: async (sql) => failure(pool.runInteraction((t) => t.runQuery(sql))),
    "a stream inside": async (sql) => failure(pool.runInteraction((t) => drained(t.runStream(sql)))),
    runWithConnection: async (sql) =>
      failure(pool.runWithConnection((connection) => connection.cursor().execute(sql))),
  };
}

describeEach(SERVER_TARGETS, (target) => {
  const postgres = target.server === "postgres";
  const short = postgres ? "set statement_timeout = 50" : "set session max_statement_time = 0.05";

  test("F7 the server's own timeout leaves nothing of a statement, and says so", async () => {
    await withItems(target, { max: 2 }, async (_, database) => {
      const openfun = (connection: Connection) => connection.cursor().execute(short);
      await using pool = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1, openfun });
      for (const [verb, fail] of Object.entries(verbs(pool))) {
        const error = await fail(target.sleepSql!(10));
        expect(error, verb).toBeInstanceOf(StatementTimeout);
        expect(error, verb).toMatchObject({ outcome: "not applied" });
      }
      const write = await failure(pool.runOperation(slowInsert(target, 4, 10)));
      expect(write).toBeInstanceOf(StatementTimeout);
      // A table of MySQL's need not know transactions.
      expect(write).toMatchObject({ outcome: postgres ? "not applied" : "unknown" });
      expect(await ids(database)).toEqual([1, 2, 3]);
    });
  });

  test("F7 an administrator's cancel leaves nothing of a statement, and says so", async () => {
    await withItems(target, { max: 1 }, async (pool, database) => {
      await using admin = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1 });
      for (const [verb, fail] of Object.entries(verbs(pool))) {
        const id = await pool.runQuery<{ id: unknown }>(target.sessionIdSql!).then(([row]) => row!.id);
        const work = fail(postgres ? target.endlessSql : "select id, sleep(30) from items");
        let over = false;
        const watched = work.finally(() => {
          over = true;
        });
        // It stops only what has begun.
        for (let n = 0; n < 400 && !over; n++) {
          await admin.runQuery(postgres ? `select pg_cancel_backend(${id})` : `kill query ${id}`);
          await new Promise((wake) => setTimeout(wake, 25));
        }
        const error = await watched;
        expect(error, verb).toMatchObject({ outcome: "not applied" });
        expect(["StatementTimeout", "OperationalError"], verb).toContain((error as Error).name);
      }
    });
  });
});

describeEach(TARGETS, (target) => {
  test("F7 a lock that does not come in time: nothing of the statement lasts", async () => {
    await withItems(target, { max: 1 }, async (_, database) => {
      const short: Record<string, string> = {
        postgres: "set lock_timeout = 50",
        file: "pragma busy_timeout = 50",
      };
      const sql = short[target.server ?? "file"] ?? "set session innodb_lock_wait_timeout = 1";
      const openfun = (connection: Connection) => connection.cursor().execute(sql);
      await using pool = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1, openfun });
      await using holder = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1 });
      await holder.runInteraction(async (transaction) => {
        await transaction.runOperation("update items set name = 'held' where id = 1");
        for (const work of [
          pool.runOperation("update items set name = 'late' where id = 1"),
          pool.runInteraction((t) => t.runOperation("update items set name = 'late' where id = 1")),
        ]) {
          const error = await failure(work);
          expect(error).toBeInstanceOf(LockNotAvailable);
          expect(error).toMatchObject({ outcome: "not applied" });
        }
      });
      expect(await database.observe("select name from items where id = 1")).toEqual([{ name: "held" }]);
    });
  });
});

describeEach(
  TARGETS.filter(({ server }) => server === "postgres"),
  (target) => {
    test.each([
      ["alter table items add column more int", "not applied"],
      ["truncate items", "not applied"],
      ["-- a word ahead\n/* and more */ alter table items add column more int", "not applied"],
      ["create index concurrently by_name on items (name)", "unknown"],
      ["do $$ begin lock table items; end $$", "unknown"],
    ])("F7 lock_timeout on %s: %s", async (sql, outcome) => {
      await withItems(target, { max: 1 }, async (_, database) => {
        await using pool = new ConnectionPool(
          "pg",
          `${database.connectArgs}${database.connectArgs.includes("?") ? "&" : "?"}lock_timeout=50`,
          { min: 0, max: 1 },
        );
        await using holder = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1 });
        await holder.runInteraction(async (transaction) => {
          await transaction.runOperation("update items set name = 'held' where id = 1");
          const error = await failure(pool.runOperation(sql));
          expect(error).toMatchObject({ name: "LockNotAvailable", outcome });
        });
      });
    });

    test("F12 a procedure that commits inside of an interaction: told in words, nothing lasts", async () => {
      await withItems(target, { max: 1 }, async (pool, database) => {
        await pool.runOperation(
          "create procedure p() language plpgsql as $$ begin insert into items values (9, 'x'); commit; end $$",
        );
        const advice = {
          name: "ProgrammingError",
          code: "2D000",
          message: expect.stringContaining("runOperation of the pool"),
        };
        await expect(pool.runInteraction((t) => t.runOperation("call p()"))).rejects.toMatchObject(advice);
        const block = "do $$ begin rollback; end $$";
        await expect(pool.runInteraction((t) => t.runOperation(block))).rejects.toMatchObject(advice);
        await expect(
          pool.runWithConnection((connection) => connection.cursor().execute("call p()")),
        ).rejects.toMatchObject(advice);
        expect(await ids(database)).toEqual([1, 2, 3]);
        await pool.runOperation("call p()");
        expect(await ids(database)).toEqual([1, 2, 3, 9]);
      });
    });

    describe("F11 a transaction that has failed, ended in SQL", () => {
      test.each([
        "commit",
        "COMMIT WORK",
        "end",
        "-- a word\ncommit",
        "commit and chain",
        "prepare transaction 'p'",
      ])("%s is TransactionAborted", async (sql) => {
        await withItems(target, { max: 1 }, async (pool, database) => {
          for (const rowMode of ["object", "array"] as const) {
            const work = pool.runWithConnection(async (connection) => {
              await connection.cursor().execute("insert into items values (7, 'seven')");
              await failure(connection.cursor().execute("select 1 / 0"));
              await connection.cursor().execute(sql, undefined, { rowMode });
            });
            const error = await failure(work);
            expect(error).toBeInstanceOf(TransactionAborted);
            expect(error).toMatchObject({ outcome: "not applied" });
            expect(await ids(database)).toEqual([1, 2, 3]);
          }
        });
      });

      test("a serialization failure that was swallowed can be retried as a whole", async () => {
        await withItems(target, { max: 1 }, async (pool) => {
          const work = pool.runWithConnection(async (connection) => {
            await failure(
              connection.cursor().execute("do $$ begin raise exception 'no' using errcode = '40001'; end $$"),
            );
            await connection.cursor().execute("commit");
          });
          await expect(work).rejects.toMatchObject({ name: "TransactionAborted", retryable: true });
        });
      });

      test.each(["rollback", "ABORT", "rollback to s", "-- so\nrollback", "rollback and chain"])(
        "%s is what was asked for",
        async (sql) => {
          await withItems(target, { max: 1 }, async (pool) => {
            await pool.runWithConnection(async (connection) => {
              await connection.cursor().execute("savepoint s");
              await failure(connection.cursor().execute("select 1 / 0"));
              await connection.cursor().execute(sql);
            });
          });
        },
      );
    });

    test("F28 a session whose server takes no writes any more is left, and the error can be retried", async () => {
      await withPool(target, { max: 1 }, async (pool, database) => {
        await pool.runOperation("create table t (n int)");
        const name = new URL(database.connectArgs).pathname.slice(1);
        await using admin = new ConnectionPool("pg", database.connectArgs, { min: 0, max: 1 });
        const writes: ((stuck: ConnectionPool) => PromiseLike<unknown>)[] = [
          (stuck) => stuck.runOperation("insert into t values (1)"),
          (stuck) => stuck.runInteraction((t) => t.runOperation("insert into t values (1)")),
          (stuck) => drained(stuck.runStream("insert into t values (1) returning n")),
          (stuck) => stuck.runInteraction((t) => t.executeMany("insert into t values ($1)", [[1]])),
        ];
        for (const write of writes) {
          await admin.runOperation(`alter database ${name} set default_transaction_read_only = on`);
          await using stuck = new ConnectionPool("pg", database.connectArgs, { min: 0, max: 1 });
          await stuck.runQuery("select 1");
          await admin.runOperation(`alter database ${name} reset default_transaction_read_only`);
          const error = await failure(write(stuck));
          expect(error).toMatchObject({ code: "25006", retryable: true, outcome: "not applied" });
          await write(stuck);
        }
        const own = pool.runInteraction({ readOnly: true }, (t) =>
          t.runOperation("insert into t values (1)"),
        );
        await expect(own).rejects.toMatchObject({ code: "25006", retryable: false });
        const theirs = pool.runWithConnection(async (connection) => {
          await connection.cursor().execute("set transaction read only");
          await connection.cursor().execute("insert into t values (1)");
        });
        await expect(theirs).rejects.toMatchObject({ code: "25006", retryable: false });
      });
    });
  },
);

describeEach(
  SERVER_TARGETS.filter(({ server }) => server !== "postgres"),
  (target) => {
    test("F28 a read-only interaction that writes is its caller's fault, and the session stays", async () => {
      await withItems(target, { max: 1 }, async (pool: ConnectionPool) => {
        const before = await pool.runQuery(target.sessionIdSql!);
        const own = pool.runInteraction({ readOnly: true }, (t) => t.runOperation("delete from items"));
        await expect(own).rejects.toMatchObject({ retryable: false });
        expect(await pool.runQuery(target.sessionIdSql!)).toEqual(before);
        await eventually("in use", () => pool.stats.inUse, 0);
      });
    });

    test("F28 a session that begins read-only transactions by itself is left", async () => {
      await withItems(target, { max: 1 }, async (_: ConnectionPool, database) => {
        let first = true;
        const openfun = async (connection: Connection) => {
          if (first) await connection.cursor().execute("set session transaction read only");
          first = false;
        };
        await using pool = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1, openfun });
        const error = await failure(
          pool.runInteraction((t) => t.runOperation("delete from items where id = 3")),
        );
        expect(error).toMatchObject({ retryable: true, outcome: "not applied" });
        await pool.runInteraction((t) => t.runOperation("delete from items where id = 3"));
        expect(await ids(database)).toEqual([1, 2]);
      });
    });
  },
);
