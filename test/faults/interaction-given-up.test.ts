/** F7, F9 inside of an interaction: a statement of it, or the whole, is cancelled or runs out of time. */
import type { Transaction } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS, TARGETS } from "../support/targets.js";
import {
  eachInteractionMeans,
  eachMeans,
  failureOf,
  GENEROUS,
  ids,
  nothingRuns,
  slowInsert,
  slowRow,
  untilRunning,
  withCable,
  withItems,
} from "./statement-facts.js";

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");
  /** For `executeMany`: whatever the machine, it is not over before it is given up. */
  const slow = slowRow(target);
  const rows = Array.from({ length: 1_000 }, (_, n) => [100 + n]);

  /** A function that inserts a row and does nothing more, until it is given up. */
  function idler(id: number) {
    let inserted = false;
    const insertAndIdle = async (transaction: Transaction) => {
      await transaction.runOperation(insert, [id]);
      inserted = true;
      await new Promise(() => {});
    };
    return { insertAndIdle, untilIdle: () => eventually("inserted", () => inserted, true) };
  }

  test.each(eachMeans())(
    "F7 F9 $name of a statement: the interaction fails with it, nothing lasts",
    (means) =>
      withItems(target, { ...means.pool, max: 1 }, async (pool, database) => {
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(insert, [10], GENEROUS);
          const query = transaction.runQuery(target.endlessSql, undefined, means.options());
          await means.giveUp(query, () => untilRunning(target, pool, database));
          await query;
        });
        const error = await failureOf(work);
        expect(error).toBeInstanceOf(means.error);
        expect(error.outcome).toBe("not applied");
        await nothingRuns(target, database);
        expect(await ids(database)).toEqual([1, 2, 3]);
      }),
  );

  test.each(eachInteractionMeans())("F7 F9 $name of the whole while a statement runs: rolled back", (means) =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const { signal, timeoutMillis } = means.options();
      const work = pool.runInteraction({ signal, timeoutMillis }, async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await transaction.runQuery(target.endlessSql);
      });
      await means.giveUp(work, () => untilRunning(target, pool, database));
      const error = await failureOf(work);
      expect(error).toBeInstanceOf(means.error);
      expect(error.outcome).toBe("not applied");
      await pool.runOperation(insert, [11]);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }),
  );

  test.each(eachInteractionMeans())(
    "F7 F9 $name of the whole while its function is idle: rolled back",
    (means) =>
      withItems(target, { max: 1 }, async (pool, database) => {
        const { insertAndIdle, untilIdle } = idler(10);
        const { signal, timeoutMillis } = means.options();
        const work = pool.runInteraction({ signal, timeoutMillis }, insertAndIdle);
        await means.giveUp(work, untilIdle);
        const error = await failureOf(work);
        expect(error).toBeInstanceOf(means.error);
        expect(error.outcome).toBe("not applied");
        await pool.runOperation(insert, [11]);
        expect(await ids(database)).toEqual([1, 2, 3, 11]);
      }),
  );

  test.each(eachInteractionMeans())(
    "F8 $name of the whole while it waits: its function never runs",
    (means) =>
      withItems(target, { max: 1 }, async (pool) => {
        let release = () => {};
        const holder = pool.runInteraction(() => new Promise<void>((resolve) => (release = resolve)));
        await eventually("in use", () => pool.stats.inUse, 1);
        let ran = false;
        const { signal, timeoutMillis } = means.options();
        const work = pool.runInteraction({ signal, timeoutMillis }, () => {
          ran = true;
        });
        await means.giveUp(work);
        const error = await failureOf(work);
        expect(error).toBeInstanceOf(means.error);
        expect(error.outcome).toBe("not sent");
        release();
        await holder;
        await pool.runInteraction(() => undefined);
        expect(ran).toBe(false);
      }),
  );

  test("F9 a statement cancelled in its line is not sent; those beside it are done", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      await pool.runInteraction(async (transaction) => {
        const first = transaction.runOperation(insert, [10]);
        const second = transaction.runOperation(insert, [11]);
        const third = transaction.runOperation(insert, [12]);
        second.cancel();
        expect(await failureOf(second)).toMatchObject({ name: "CancelledError", outcome: "not sent" });
        await Promise.all([first, third]);
      });
      expect(await ids(database)).toEqual([1, 2, 3, 10, 12]);
    }));

  test("F9 the first statement, cancelled in the turn of its call: BEGIN harms nobody", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      await pool
        .runInteraction(async (transaction) => {
          const first = transaction.runQuery(target.endlessSql);
          first.cancel();
          expect(await failureOf(first)).toMatchObject({ name: "CancelledError" });
        })
        .addErrback((failure) => {
          // Where an error spoils the transaction, the commit says so.
          expect(failure.value).toMatchObject({ name: "TransactionAborted" });
        });
      await pool.runOperation(insert, [11]);
      await nothingRuns(target, database);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));

  test("F9 executeMany, cancelled: it stops, and the transaction can be rolled back", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        const bulk = transaction.executeMany(slow, rows);
        const later = transaction.executeMany(insert, [[99]]);
        later.cancel();
        expect(await failureOf(later)).toMatchObject({ outcome: "not sent" });
        await new Promise((resolve) => setTimeout(resolve, 30));
        bulk.cancel();
        await bulk;
      });
      const error = await failureOf(work);
      expect(error).toMatchObject({ name: "CancelledError", outcome: "not applied" });
      await pool.runOperation(insert, [11]);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));

  test("F7 executeMany, the interaction out of time: rolled back", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const work = pool.runInteraction({ timeoutMillis: 150 }, (transaction) =>
        transaction.executeMany(slow, rows),
      );
      expect(await failureOf(work)).toMatchObject({ name: "StatementTimeout", outcome: "not applied" });
      await pool.runOperation(insert, [11]);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));

  test("F9 a nested interaction, cancelled: undone to its savepoint, the rest is committed", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        const { insertAndIdle, untilIdle } = idler(11);
        const nested = transaction.runInteraction(insertAndIdle);
        await untilIdle();
        nested.cancel();
        expect(await failureOf(nested)).toMatchObject({ name: "CancelledError" });
        await transaction.runOperation(insert, [12]);
      });
      expect(await ids(database)).toEqual([1, 2, 3, 10, 12]);
    }));

  test.each(eachInteractionMeans())(
    "F7 F9 $name of a nested interaction, another inside of it at work: undone to its savepoint, the rest is committed",
    (means) =>
      withItems(target, { max: 1 }, async (pool, database) => {
        await pool.runInteraction(async (transaction) => {
          await transaction.runOperation(insert, [10]);
          const { insertAndIdle, untilIdle } = idler(12);
          const { signal, timeoutMillis } = means.options();
          const nested = transaction.runInteraction({ signal, timeoutMillis }, async (inner) => {
            await inner.runOperation(insert, [11]);
            await inner.runInteraction(insertAndIdle);
          });
          await means.giveUp(nested, untilIdle);
          const error = await failureOf(nested);
          expect(error).toBeInstanceOf(means.error);
          if (means.name === "timeoutMillis") expect(error.outcome).toBe("not applied");
          await transaction.runOperation(insert, [13]);
        });
        expect(await ids(database)).toEqual([1, 2, 3, 10, 13]);
        expect(pool.stats).toMatchObject({ disconnects: 0 });
      }),
  );

  test("F9 a nested interaction, cancelled before its savepoint is there: its function never runs, the rest is committed", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      let ran = false;
      await pool.runInteraction(async (transaction) => {
        const nested = transaction.runInteraction(() => {
          ran = true;
        });
        nested.cancel();
        expect(await failureOf(nested)).toMatchObject({ name: "CancelledError" });
        const bulk = transaction.executeMany(insert, [[10]]);
        bulk.cancel();
        expect(await failureOf(bulk)).toMatchObject({ name: "CancelledError" });
        await transaction.runOperation(insert, [11]);
      });
      expect(ran).toBe(false);
      expect(await ids(database)).toContain(11);
    }));

  test("F9 the whole, cancelled while a nested interaction is idle: rolled back, the connection goes on", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const { insertAndIdle, untilIdle } = idler(10);
      const work = pool.runInteraction((transaction) => transaction.runInteraction(insertAndIdle));
      await untilIdle();
      work.cancel();
      expect(await failureOf(work)).toMatchObject({ name: "CancelledError", outcome: "not applied" });
      await pool.runOperation(insert, [11]);
      expect(pool.stats).toMatchObject({ size: 1, disconnects: 0 });
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));

  test("F7 a part that was committed before the end of time is not called undone", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      let committed = false;
      const work = pool.runWithConnection({ timeoutMillis: 1_000 }, async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute(insert, [10]);
        await connection.commit();
        committed = true;
        await cursor.execute(insert, [11]);
        await new Promise(() => {});
      });
      const error = await failureOf(work);
      expect(committed).toBe(true);
      expect(error).toMatchObject({ name: "StatementTimeout", outcome: "unknown" });
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
    }));

  test("F9 cancel() while a slow write of it runs: told at once, and never applied", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      // A file's next writer waits for its end, which is a matter of processor time: on a busy machine it takes long.
      const seconds = target.server === undefined ? 0.5 : 2;
      const work = pool.runInteraction((transaction: Transaction) =>
        transaction.runOperation(slowInsert(target, 10, seconds)),
      );
      await untilRunning(target, pool, database);
      work.cancel();
      expect(work.called).toBe(true);
      expect(await failureOf(work)).toMatchObject({ name: "CancelledError", outcome: "not applied" });
      await pool.runOperation(insert, [11]);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));
});

describeEach(SERVER_TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  test("F9 executeMany that waits for a lock, its interaction cancelled: the server stops, the session goes on", () =>
    withItems(target, { min: 2, max: 2 }, async (pool, database) => {
      await pool.start();
      const touch = target.sql("update items set name = 'touched' where id = ?");
      await pool.runInteraction(async (holder) => {
        await holder.runOperation(touch, [2]);
        const work = pool.runInteraction((transaction) => transaction.executeMany(touch, [[1], [2], [3]]));
        await untilRunning(target, pool, database);
        work.cancel();
        expect(await failureOf(work)).toMatchObject({ name: "CancelledError", outcome: "not applied" });
        await nothingRuns(target, database);
        // Its locks are gone, though the other holds on to its own.
        await holder.runOperation(touch, [1]);
      });
      expect(pool.stats).toMatchObject({ size: 2, disconnects: 0 });
    }));

  test.each(eachInteractionMeans())(
    "F9 F15 $name while COMMIT is on its way: unknown, never repeated",
    (means) =>
      withCable(target, async (pool, database, forwarder) => {
        await pool.runQuery("select 1 as v");
        let attempts = 0;
        let committing = false;
        const { signal, timeoutMillis } = means.options();
        const work = pool.runInteraction({ signal, timeoutMillis, retries: 3 }, async (transaction) => {
          attempts++;
          await transaction.runOperation(insert, [10]);
          forwarder.stall();
          committing = true;
        });
        await eventually("committing", () => committing, true);
        await new Promise((resolve) => setTimeout(resolve, 50));
        await means.giveUp(work);
        if (means.name === "timeoutMillis") await new Promise((resolve) => setTimeout(resolve, 400));
        forwarder.resume();
        const error = await failureOf(work);
        expect(error).toBeInstanceOf(means.error);
        // Of the timeout the caller hears when COMMIT has been answered, if that is soon; of the cancel at once.
        expect(error.outcome).toMatch(means.name === "timeoutMillis" ? /^(?:applied|unknown)$/ : "unknown");
        await pool.runOperation(insert, [11]);
        expect(attempts).toBe(1);
        expect(await ids(database)).toEqual([1, 2, 3, 10, 11]);
      }),
  );

  test("F9 the deadline of a cancelled COMMIT ends with it: the next holder keeps the session", () =>
    withCable(target, async (pool, _, forwarder) => {
      let committing = false;
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        forwarder.stall();
        committing = true;
      });
      await eventually("committing", () => committing, true);
      await new Promise((resolve) => setTimeout(resolve, 50));
      work.cancel();
      await failureOf(work);
      forwarder.resume();
      expect(await pool.runQuery(target.sleepSql!(5.5))).toHaveLength(1);
    }));
});
