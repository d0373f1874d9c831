/** B28 to B34 where a transaction, a connection or a cursor is used in ways that nobody should. */
import { type Connection, InterfaceError, PoolTimeout, type Transaction } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS } from "../support/targets.js";
import { failureOf, ids, withItems } from "./statement-facts.js";

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  test("B28 runWithConnection: a function that throws at once is rolled back, one that returns nothing is committed", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const bug = new Error("a bug of the caller's");
      const throwing = pool.runWithConnection((connection) => {
        connection.cursor().execute(insert, [10]);
        throw bug;
      });
      await expect(throwing).rejects.toBe(bug);
      const silent = pool.runWithConnection((connection) => void connection.cursor().execute(insert, [11]));
      expect(await silent).toBe(undefined);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));

  test("B28 what is thrown need not be an Error: rolled back all the same", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      for (const thrown of ["text", undefined, null, 0]) {
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(insert, [10]);
          throw thrown;
        });
        expect(await failureOf(work)).toBeInstanceOf(Error);
      }
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));

  test("B31 each face of a transaction is of no use after its end, and nothing is sent", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      const kept: { transaction?: Transaction; nested?: Transaction; connection?: Connection } = {};
      await pool.runInteraction(async (transaction) => {
        kept.transaction = transaction;
        await transaction.runInteraction((nested) => {
          kept.nested = nested;
        });
        // The inner one has ended, the outer one has not.
        expect(await failureOf(kept.nested!.runOperation(insert, [10]))).toBeInstanceOf(InterfaceError);
        await transaction.runOperation(insert, [11]);
      });
      await pool.runWithConnection((connection) => {
        kept.connection = connection;
      });
      const { transaction, nested, connection } = kept as Required<typeof kept>;
      const uses: (() => PromiseLike<unknown>)[] = [
        () => transaction.runQuery("select 1"),
        () => transaction.execute(insert, [12]),
        () => transaction.executeMany(insert, [[13]]),
        () => transaction.fetchOne(),
        () => transaction.runInteraction(() => 1),
        () => transaction.runStream("select 1").next(),
        () => nested.runOperation(insert, [14]),
        () => connection.cursor().execute(insert, [15]),
        () => connection.commit(),
        () => connection.rollback(),
      ];
      // In the midst of somebody else's transaction on that very connection.
      await pool.runInteraction(async (other) => {
        await other.runOperation(insert, [16]);
        for (const use of uses) expect(await failureOf(use())).toBeInstanceOf(InterfaceError);
      });
      expect(await ids(database)).toEqual([1, 2, 3, 11, 16]);
    }));

  test("B32 a statement that is not awaited, whose function throws: it is over before anyone else is let in", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      for (let round = 0; round < 20; round++) {
        const work = pool.runInteraction((transaction) => {
          for (let n = 0; n < 5; n++) transaction.runOperation(insert, [100 + n]);
          throw new Error("a bug of the caller's");
        });
        const next = pool.runOperation(insert, [200 + round]);
        await expect(work).rejects.toThrow("a bug");
        await next;
      }
      expect(await ids(database)).toEqual([1, 2, 3, ...Array.from({ length: 20 }, (_, n) => 200 + n)]);
    }));

  test("B32 in a nested interaction: its failure undoes the nested one alone", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        const nested = transaction.runInteraction((inner) => {
          inner.runOperation(insert, [11]);
          inner.runOperation("insert into no_such_table values (1)");
        });
        await expect(nested).rejects.toThrow("no_such_table");
        await transaction.runOperation(insert, [12]);
      });
      expect(await ids(database)).toEqual([1, 2, 3, 10, 12]);
    }));

  test("B33 nested interactions and statements of one transaction, asked for at once: in order", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const order: number[] = [];
      await pool.runInteraction((transaction) => {
        for (let n = 0; n < 10; n++) {
          const asked =
            n % 2 === 0
              ? transaction.runOperation(insert, [10 + n])
              : transaction.runInteraction((nested) => nested.runOperation(insert, [10 + n]));
          asked.addCallback(() => {
            order.push(n);
          });
        }
      });
      expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await ids(database)).toHaveLength(13);
    }));

  test.each(["runQuery", "runInteraction", "runWithConnection", "runStream"] as const)(
    "B34 pool.%s inside of an interaction, max 1: PoolTimeout, rolled back, no hang",
    (verb) =>
      withItems(target, { max: 1, acquireTimeoutMillis: 1_200 }, async (pool, database) => {
        const inside = {
          runQuery: () => pool.runQuery("select * from items"),
          runInteraction: () => pool.runInteraction((other) => other.runOperation(insert, [11])),
          runWithConnection: () => pool.runWithConnection((other) => other.cursor().execute(insert, [11])),
          runStream: () => pool.runStream("select * from items").next(),
        };
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(insert, [10]);
          await inside[verb]();
        });
        expect(await failureOf(work)).toBeInstanceOf(PoolTimeout);
        expect(await ids(database)).toEqual([1, 2, 3]);
      }),
  );
});
