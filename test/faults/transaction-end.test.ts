/** F10 to F14 and F16: how a transaction ends when something in it goes wrong. */
import {
  ConnectionPool,
  ForeignKeyViolation,
  IntegrityError,
  LockNotAvailable,
  TransactionAborted,
  UniqueViolation,
} from "adbapi";
import { expect, test } from "vitest";
import { Forwarder } from "../support/forwarder.js";
import { describeEach, FILE_TARGETS, SERVER_TARGETS, TARGETS } from "../support/targets.js";
import { failureOf, ids, withItems } from "./statement-facts.js";

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  test("F10 a statement fails: rolled back, the original error, the connection goes on", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      await pool.start();
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await transaction.runOperation(insert, [1]);
      });
      expect(await failureOf(work)).toBeInstanceOf(UniqueViolation);
      expect(await ids(database)).toEqual([1, 2, 3]);
      await pool.runOperation(insert, [11]);
      expect(pool.stats).toMatchObject({ size: 1, disconnects: 0 });
    }));

  test("F11 its function swallows the error and returns: never claimed to be committed when it is not", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await transaction.runOperation(insert, [1]).catch(() => {});
        return "done";
      });
      if (target.errorAbortsTransaction) {
        expect(await failureOf(work)).toBeInstanceOf(TransactionAborted);
        expect(await ids(database)).toEqual([1, 2, 3]);
      } else {
        expect(await work).toBe("done");
        expect(await ids(database)).toEqual([1, 2, 3, 10]);
      }
      await pool.runOperation(insert, [11]);
    }));

  test.each(["commit", "rollback"])(
    "F12 %s as a statement inside an interaction: it fails and says so",
    (sql) =>
      withItems(target, { max: 1 }, async (pool, database) => {
        const refused: (string | undefined)[] = [];
        const work = pool.runInteraction({ retries: 3 }, async (transaction) => {
          await transaction.runOperation(insert, [10]);
          await transaction.runOperation(sql);
          // Nothing more is sent: it would be committed on its own.
          refused.push((await failureOf(transaction.runOperation(insert, [11]))).name);
          refused.push((await failureOf(transaction.runInteraction(() => 1))).name);
          refused.push((await failureOf(transaction.executeMany(insert, [[12]]))).name);
        });
        expect(await failureOf(work)).toBeInstanceOf(TransactionAborted);
        expect(refused).toEqual(Array(3).fill("TransactionAborted"));
        expect(await ids(database)).toEqual(sql === "commit" ? [1, 2, 3, 10] : [1, 2, 3]);
        // The next ones on this very connection are not harmed.
        await pool.runInteraction((transaction) => transaction.runOperation(insert, [20]));
        await pool.runOperation(insert, [21]);
        expect(await ids(database)).toEqual(expect.arrayContaining([20, 21]));
      }),
  );

  test("F12 DDL inside an interaction: part of it, or it fails and says so", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await transaction.runOperation("create table others (id integer)");
        await transaction.runOperation("insert into others values (1)");
        return "done";
      });
      if (target.implicitCommitOnDdl) {
        expect(await failureOf(work)).toBeInstanceOf(TransactionAborted);
        expect(await database.observe("select count(*) as n from others")).toMatchObject([{ n: 0 }]);
      } else expect(await work).toBe("done");
      await pool.runOperation(insert, [11]);
      expect(await ids(database)).toEqual([1, 2, 3, 10, 11]);
    }));

  test("F14 the original error wins, whatever becomes of the rollback", () =>
    withItems(target, { max: 1, logger: silent() }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await transaction.runOperation("rollback");
        throw new Error("a business error");
      });
      await expect(work).rejects.toThrow("a business error");
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));

  if (target.deferredConstraints) {
    test("F16 a deferred constraint that fails at COMMIT: its error, rolled back, the connection goes on", () =>
      withItems(target, { min: 1, max: 1 }, async (pool, database) => {
        await pool.runOperation(
          "create table parts (id integer primary key, item integer references items (id) deferrable initially deferred)",
        );
        if (target.server === undefined) await pool.runOperation("pragma foreign_keys = on");
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(insert, [10]);
          await transaction.runOperation("insert into parts values (1, 999)");
        });
        const error = await failureOf(work);
        expect(error).toBeInstanceOf(IntegrityError);
        expect(error).toBeInstanceOf(ForeignKeyViolation);
        expect(await ids(database)).toEqual([1, 2, 3]);
        await pool.runOperation(insert, [11]);
        expect(pool.stats).toMatchObject({ size: 1, disconnects: 0 });
        expect(await ids(database)).toEqual([1, 2, 3, 11]);
      }));

    test("F16 what comes after a COMMIT that failed is in a transaction, and a rollback undoes it", () =>
      withItems(target, { min: 1, max: 1, logger: silent() }, async (pool, database) => {
        await pool.runOperation(
          "create table parts (id integer primary key, item integer references items (id) deferrable initially deferred)",
        );
        if (target.server === undefined) await pool.runOperation("pragma foreign_keys = on");
        await pool.runWithConnection(async (connection) => {
          const cursor = connection.cursor();
          await cursor.execute("insert into parts values (1, 999)");
          expect(await failureOf(connection.commit())).toBeInstanceOf(ForeignKeyViolation);
          await cursor.execute(insert, [10]);
          await connection.rollback();
          await cursor.execute(insert, [11]);
        });
        expect(await ids(database)).toEqual([1, 2, 3, 11]);
        expect(await pool.runQuery("select id from parts")).toEqual([]);
      }));
  }

  if (target.errorAbortsTransaction) {
    test("F16 what comes after a COMMIT that was answered with ROLLBACK is in a transaction", () =>
      withItems(target, { min: 1, max: 1, logger: silent() }, async (pool, database) => {
        await pool.runWithConnection(async (connection) => {
          const cursor = connection.cursor();
          await failureOf(cursor.execute("select 1/0"));
          expect(await failureOf(connection.commit())).toBeInstanceOf(TransactionAborted);
          await cursor.execute(insert, [10]);
          await connection.rollback();
          await cursor.execute(insert, [11]);
        });
        expect(await ids(database)).toEqual([1, 2, 3, 11]);
      }));
  }
});

describeEach(SERVER_TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  /** BEGIN, as the driver spells it. */
  const begin = target.server === "postgres" ? "begin" : "start transaction";

  const chains = ["commit and chain", "/* so */ rollback and chain"];
  if (target.implicitCommitOnDdl) chains.push("begin", "set completion_type = 'CHAIN'; commit");

  test.each(chains)(
    "F12 %s inside an interaction: another transaction is open, and nothing more is sent",
    (text) =>
      withItems(target, { max: 1, resetOnRelease: true }, async (pool, database) => {
        const refused: (string | undefined)[] = [];
        const work = pool.runInteraction({ retries: 3 }, async (transaction) => {
          await transaction.runOperation(insert, [10]);
          for (const sql of text.split(";")) await transaction.runOperation(sql);
          refused.push((await failureOf(transaction.runOperation(insert, [11]))).name);
          refused.push((await failureOf(transaction.executeMany(insert, [[12]]))).name);
        });
        expect(await failureOf(work)).toBeInstanceOf(TransactionAborted);
        expect(refused).toEqual(Array(2).fill("TransactionAborted"));
        expect(await ids(database)).toEqual(text.includes("rollback") ? [1, 2, 3] : [1, 2, 3, 10]);
        await pool.runInteraction((transaction) => transaction.runOperation(insert, [20]));
        expect(await ids(database)).toContain(20);
      }),
  );

  test("F12 going back to a savepoint by hand ends no transaction", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await transaction.runOperation("savepoint mine");
        await transaction.runOperation(insert, [11]);
        await transaction.runOperation("rollback to savepoint mine");
        await transaction.runOperation("rollback /* and chain */ to mine");
      });
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
    }));

  test.runIf(target.readable)("F13 BEGIN fails: its first statement fails, and never runs", async () => {
    await withItems(target, { max: 1 }, async (_, database) => {
      await using forwarder = await Forwarder.before(database.connectArgs);
      await using pool = new ConnectionPool(target.name, forwarder.through(database.connectArgs), {
        min: 0,
        max: 1,
      });
      const cut = forwarder.cutBefore(begin);
      let after = 0;
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        after++;
      });
      expect(await failureOf(work)).toMatchObject({ name: "ConnectionLost", outcome: "not applied" });
      await cut;
      expect(after).toBe(0);
      expect(
        await pool.runInteraction((transaction) => transaction.runOperation(insert, [11])),
      ).toMatchObject({
        rowCount: 1,
      });
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    });
  });

  test.runIf(target.readable)(
    "F14 ROLLBACK fails: logged, the connection destroyed, the original error wins",
    async () => {
      const errors: string[] = [];
      await withItems(target, { max: 1 }, async (_, database) => {
        await using forwarder = await Forwarder.before(database.connectArgs);
        await using pool = new ConnectionPool(target.name, forwarder.through(database.connectArgs), {
          min: 0,
          max: 1,
          logger: { ...silent(), error: (text: string) => void errors.push(text) },
        });
        const cut = forwarder.cutBefore("rollback");
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(insert, [10]);
          throw new Error("a business error");
        });
        await expect(work).rejects.toThrow("a business error");
        await cut;
        expect(errors.join("\n")).toContain("rollback failed");
        await pool.runOperation(insert, [11]);
        expect(await ids(database)).toEqual([1, 2, 3, 11]);
      });
    },
  );
});

describeEach(FILE_TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  test("F13 busy at BEGIN: LockNotAvailable, and nothing of it ran; with retries it is tried again", () =>
    withItems(target, { max: 1, resetOnRelease: false }, async (pool, database) => {
      await pool.runWithConnection((connection) => connection.cursor().execute("pragma busy_timeout = 50"));
      await using other = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1 });
      let release = () => {};
      let locked = () => {};
      const holds = new Promise<void>((resolve) => (locked = resolve));
      const holder = other.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        locked();
        await new Promise<void>((resolve) => (release = resolve));
      });
      await holds;
      const failure = await failureOf(
        pool.runInteraction((transaction) => transaction.runOperation(insert, [11])),
      );
      expect(failure).toBeInstanceOf(LockNotAvailable);
      expect(failure).toMatchObject({ retryable: true });
      setTimeout(() => release(), 300);
      await pool.runInteraction({ retries: 50 }, (transaction) => transaction.runOperation(insert, [12]));
      await holder;
      expect(await ids(database)).toEqual([1, 2, 3, 10, 12]);
    }));

  test("F11 OR ROLLBACK ends the transaction: what comes after it is not committed on its own", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await transaction.runOperation("insert or rollback into items values (1, 'again')").catch(() => {});
        await transaction.runOperation(insert, [11]).catch(() => {});
      });
      expect(await failureOf(work)).toBeInstanceOf(TransactionAborted);
      expect(await ids(database)).toEqual([1, 2, 3]);
      await pool.runOperation(insert, [12]);
      expect(await ids(database)).toEqual([1, 2, 3, 12]);
    }));
});

function silent() {
  return { debug() {}, info() {}, warn() {}, error() {} };
}
