/** F5: the session is killed in mid-statement; F17: what is sent again, and what never is. */
import { ConnectionLost, type ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";
import {
  failureOf,
  ids,
  proveOutcome,
  slowInsert,
  untilRunning,
  withCable,
  withItems,
} from "./statement-facts.js";

describeEach(SERVER_TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  /** An interaction that may be repeated, and is not, since its COMMIT was on its way. */
  async function lostAtCommit(pool: ConnectionPool, cut: Promise<void>): Promise<void> {
    let attempts = 0;
    const work = pool.runInteraction({ retries: 5 }, async (transaction) => {
      attempts++;
      await transaction.runOperation(insert, [10]);
    });
    const error = await failureOf(work);
    await cut;
    expect(error).toMatchObject({ name: "ConnectionLost", outcome: "unknown" });
    expect(attempts).toBe(1);
  }

  test("F5 killed in mid-statement, autocommitted: unknown, and true", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const failing = failureOf(pool.runOperation(slowInsert(target, 10, 3)));
      await untilRunning(target, pool, database);
      await database.killSessions();
      const error = await failing;
      expect(error).toBeInstanceOf(ConnectionLost);
      expect(error).toMatchObject({ outcome: "unknown", retryable: false });
      await pool.runOperation(insert, [11]);
      await proveOutcome(database, error, 10);
    }));

  test("F5 killed in mid-statement inside an interaction: not applied, and nothing more is sent", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      let after: Error | undefined;
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        const slow = transaction.runOperation(slowInsert(target, 11, 3));
        const killing = untilRunning(target, pool, database).then(() => database.killSessions());
        const error = await failureOf(slow);
        await killing;
        after = await failureOf(transaction.runOperation(insert, [12]));
        throw error;
      });
      const error = await failureOf(work);
      expect(error).toBeInstanceOf(ConnectionLost);
      expect(error).toMatchObject({ outcome: "not applied", retryable: true });
      expect(after).toMatchObject({ name: "ConnectionLost", outcome: "not applied" });
      await pool.runOperation(insert, [13]);
      expect(await ids(database)).toEqual([1, 2, 3, 13]);
    }));

  test("F5 killed between two statements of an interaction: its error is kept, though the rollback finds nobody", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await database.killSessions();
        throw new Error("a business error");
      });
      await expect(work).rejects.toThrow("a business error");
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));

  test("F5 killed in mid-stream: ConnectionLost, the pool goes on", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const failing = failureOf(pool.runStream(target.endlessSql).next());
      await untilRunning(target, pool, database);
      await database.killSessions();
      expect(await failing).toBeInstanceOf(ConnectionLost);
      expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
    }));

  test("F17 lost before COMMIT: with retries the whole runs again, without it fails", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      let attempts = 0;
      const once = (retries: number) =>
        pool.runInteraction({ retries }, async (transaction) => {
          attempts++;
          await transaction.runOperation(insert, [10]);
          if (attempts === 1) await database.killSessions();
          await transaction.runOperation(insert, [11]);
          return attempts;
        });
      const error = await failureOf(once(0));
      expect(error).toBeInstanceOf(ConnectionLost);
      // Of the statement that met the loss: a connection that is known to be dead is sent nothing.
      expect(error.outcome).toMatch(/^not (?:sent|applied)$/);
      expect(await ids(database)).toEqual([1, 2, 3]);
      attempts = 0;
      expect(await once(2)).toBe(2);
      expect(await ids(database)).toEqual([1, 2, 3, 10, 11]);
    }));

  test("F15 F17 the answer of COMMIT lost: unknown, and never repeated", () =>
    withCable(target, async (pool, database, forwarder) => {
      await lostAtCommit(pool, forwarder.cutAfter("commit"));
      // The server had it.
      await eventually("row 10", async () => (await ids(database)).includes(10), true);
    }));

  test("F17 cut before COMMIT reached the server: unknown all the same, and never repeated", () =>
    withCable(target, async (pool, database, forwarder) => {
      await lostAtCommit(pool, forwarder.cutBefore("commit"));
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));

  test("F5 cut before the statement reached the server: unknown, since nobody can tell; never sent twice", () =>
    withCable(target, async (pool, database, forwarder) => {
      const cut = forwarder.cutBefore("insert into");
      const error = await failureOf(pool.runOperation(insert, [10]));
      await cut;
      expect(error).toMatchObject({ name: "ConnectionLost", outcome: "unknown" });
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));

  test.each([true, false])(
    "F4 F5 reconnect: %s, statements in a rain of kills: every outcome is true",
    (reconnect) =>
      withItems(target, { min: 1, max: 1, reconnect }, async (pool, database) => {
        await pool.start();
        for (let round = 0; round < 10; round++) {
          const write = pool.runOperation(insert, [100 + round]).then(
            () => undefined,
            (reason: unknown) => reason as ConnectionLost,
          );
          await database.killSessions();
          const error = await write;
          if (error === undefined) expect(await ids(database)).toContain(100 + round);
          else {
            expect(error).toBeInstanceOf(ConnectionLost);
            if (reconnect) expect(error.outcome).toBe("unknown");
            await proveOutcome(database, error, 100 + round);
          }
        }
      }),
  );
});
