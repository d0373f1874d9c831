/** F4, F13 to F16, F21, F25 on SQLite itself, in threads that fail or die when they are ordered to. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionLost, ConnectionPool, LockNotAvailable, OperationalError } from "adbapi";
import { expect, test } from "vitest";
import type { Driver } from "../../drivers/driver.js";
import { eventually } from "../support/eventually.js";
import { mortalDriver } from "../support/mortal-sqlite.js";
import type { Target, TestDatabase } from "../support/target.js";
import { describeEach, FILE_TARGETS, type PoolOptions } from "../support/targets.js";
import { Traces } from "../support/traces.js";
import { Ear, type Listen, quiet } from "../support/with-scripted.js";
import { failureOf, ids } from "./statement-facts.js";

const INSERT = "insert into items values (?, 'new')";

interface Place {
  readonly pool: ConnectionPool;
  readonly database: TestDatabase;
  readonly listen: Listen;
}

/**
 * A pool over a table of three rows. At the end each Deferred has fired once, nothing is borrowed, the pool writes, and
 * nothing is left.
 */
async function withMortals(
  target: Target,
  { driver = mortalDriver(target), ...options }: PoolOptions & { readonly driver?: Driver },
  use: (place: Place) => Promise<void>,
): Promise<void> {
  await using database = await target.createDatabase();
  using traces = new Traces();
  const args = database.connectArgs;
  const pool = new ConnectionPool(driver, args, { min: 0, max: 2, logger: quiet, ...options });
  const ears: Ear[] = [];
  try {
    await pool.runOperation("create table items (id integer primary key, name text)");
    await pool.runOperation("insert into items values (1, 'one'), (2, 'two'), (3, 'three')");
    await use({
      pool,
      database,
      listen: (deferred) => {
        const ear = new Ear(deferred);
        ears.push(ear);
        return ear;
      },
    });
    await pool.runOperation("insert into items values (1000, 'last')");
    await eventually("in use and waiting", () => pool.stats.inUse + pool.stats.waiting, 0);
  } finally {
    await pool.close({ timeoutMillis: 5_000 });
  }
  expect(await ids(database)).toContain(1000);
  expect(ears.filter((ear) => ear.fired !== 1)).toEqual([]);
  expect(pool.stats.size + pool.stats.connecting).toBe(0);
  await traces.proveNone();
}

describeEach(FILE_TARGETS, (target) => {
  test.each(["die soon", "throw soon"])(
    "F4 an idle thread ends (%s): it leaves at once, min is refilled",
    (order) =>
      withMortals(target, { min: 1, max: 1 }, async ({ pool }) => {
        await pool.runQuery(`select '${order}' as v`);
        await eventually("losses", () => pool.stats.losses, 1);
        await eventually("size", () => pool.stats.size, 1);
        expect(pool.stats.connects).toBe(2);
      }),
  );

  test.each([
    ["die now", "not applied"],
    ["die after it", "not applied"],
    // From here on the thread has said that it commits.
    ["die before commit", "unknown"],
    ["die after commit", "unknown"],
  ])(
    "F5 F21 the thread dies under a write (%s): ConnectionLost, %s; who is behind it has an answer from another",
    (order, outcome) =>
      withMortals(target, { max: 1 }, async ({ pool, database, listen }) => {
        const write = listen(pool.runOperation(`insert into items values (10, '${order}')`));
        const behind = listen(pool.runOperation(INSERT, [11]));
        await eventually("answers", () => write.fired + behind.fired, 2);
        expect(write.error).toBeInstanceOf(ConnectionLost);
        expect(write.error.outcome).toBe(outcome);
        expect(behind.heard[0]).toHaveProperty("value");
        expect(await ids(database)).toEqual(order === "die after commit" ? [1, 2, 3, 10, 11] : [1, 2, 3, 11]);
      }),
  );

  test("F21 the thread runs out of memory in mid-statement: ConnectionLost, nothing of its transaction lasts", () => {
    const driver = mortalDriver(target, { resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const hungry = "insert into items values (10, 'eat memory')";
    return withMortals(target, { driver }, async ({ pool, database, listen }) => {
      const single = listen(pool.runOperation(hungry));
      await eventually("the answer", () => single.fired, 1);
      expect(single.error).toBeInstanceOf(ConnectionLost);
      expect(single.error.outcome).toBe("not applied");
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(INSERT, [11]);
        await transaction.runOperation(hungry);
      });
      expect(await failureOf(work)).toMatchObject({ name: "ConnectionLost", outcome: "not applied" });
      expect(await ids(database)).toEqual([1, 2, 3]);
    });
  });

  test.each(["die soon", "throw soon"])(
    "F5 F21 the thread ends between two statements of an interaction (%s)",
    (order) =>
      withMortals(target, { max: 1 }, async ({ pool, database }) => {
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(INSERT, [10]);
          await transaction.runQuery(`select '${order}'`);
          await eventually("losses", () => pool.stats.losses, 1);
          await transaction.runOperation(INSERT, [11]);
        });
        const error = await failureOf(work);
        expect(error).toBeInstanceOf(ConnectionLost);
        expect(error.outcome).toMatch(/^not (?:sent|applied)$/);
        expect(await ids(database)).toEqual([1, 2, 3]);
      }),
  );

  test.each(["fail at begin", "die at begin"])(
    "F13 BEGIN fails (%s): its first statement never runs",
    (order) =>
      withMortals(target, { max: 1 }, async ({ pool, database }) => {
        await pool.runQuery(`select '${order}'`);
        let after = 0;
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(INSERT, [10]);
          after++;
        });
        const error = await failureOf(work);
        expect(error).toBeInstanceOf(OperationalError);
        if (order.startsWith("die"))
          expect(error).toMatchObject({ name: "ConnectionLost", outcome: "not applied" });
        else expect(error.message).toContain("failed at begin");
        expect(after).toBe(0);
        expect(await ids(database)).toEqual([1, 2, 3]);
      }),
  );

  test.each(["fail at rollback", "die at rollback"])(
    "F14 ROLLBACK fails (%s): logged, its thread is replaced, the original error wins",
    (order) => {
      const errors: string[] = [];
      const logger = { ...quiet, error: (text: string) => void errors.push(text) };
      return withMortals(target, { max: 1, logger }, async ({ pool, database }) => {
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(INSERT, [10]);
          await transaction.runQuery(`select '${order}'`);
          throw new Error("a business error");
        });
        await expect(work).rejects.toThrow("a business error");
        expect(errors.join()).toContain("rollback failed");
        await pool.runOperation(INSERT, [11]);
        expect(pool.stats.connects).toBe(2);
        expect(await ids(database)).toEqual([1, 2, 3, 11]);
      });
    },
  );

  test.each(["before", "after"])(
    "F15 the thread dies %s the COMMIT that it was asked for: ConnectionLost, unknown, never repeated",
    (moment) =>
      withMortals(target, { max: 1 }, async ({ pool, database }) => {
        let runs = 0;
        const work = pool.runInteraction({ retries: 3 }, async (transaction) => {
          runs++;
          await transaction.runOperation(INSERT, [10]);
          await transaction.runQuery(`select 'die ${moment} commit'`);
        });
        expect(await failureOf(work)).toMatchObject({
          name: "ConnectionLost",
          outcome: "unknown",
          retryable: false,
        });
        expect(runs).toBe(1);
        expect(await ids(database)).toEqual(moment === "after" ? [1, 2, 3, 10] : [1, 2, 3]);
      }),
  );

  test("F16 COMMIT fails, and leaves the transaction open: its error, rolled back, the thread goes on", () =>
    withMortals(target, { max: 1 }, async ({ pool, database }) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(INSERT, [10]);
        await transaction.runQuery("select 'fail before commit'");
      });
      expect((await failureOf(work)).message).toContain("failed before commit");
      expect(await ids(database)).toEqual([1, 2, 3]);
      expect(pool.stats.disconnects).toBe(0);
    }));

  test("F16 busy at COMMIT, where a reader holds a file without WAL: LockNotAvailable, rolled back; with retries it is done", async () => {
    await using database = await target.createDatabase();
    await database.observe("pragma journal_mode = delete");
    const options = { min: 0, max: 1, logger: quiet };
    await using reader = new ConnectionPool(target.name, [database.connectArgs, { timeout: 50 }], options);
    await reader.runOperation("pragma journal_mode = delete");
    await reader.runOperation("create table items (id integer primary key, name text)");
    let pool: ConnectionPool | undefined;
    try {
      await reader.runInteraction({ readOnly: true }, async (holder) => {
        await holder.runQuery("select count(*) from items");
        pool = new ConnectionPool(target.name, [database.connectArgs, { timeout: 50 }], options);
        const failure = await failureOf(pool.runInteraction((t) => t.runOperation(INSERT, [10])));
        expect(failure).toBeInstanceOf(LockNotAvailable);
        expect(failure).toMatchObject({ sql: "COMMIT", retryable: true });
        expect(await failureOf(pool.runOperation(INSERT, [11]))).toBeInstanceOf(LockNotAvailable);
      });
      await pool!.runInteraction((transaction) => transaction.runOperation(INSERT, [12]));
      expect(pool!.stats.disconnects).toBe(0);
    } finally {
      await pool?.close();
    }
    expect(await ids(database)).toEqual([12]);
  });

  test("F25 threads that die at random at a hundredfold load: size within max, nobody forgotten, what was acknowledged is there", () =>
    withMortals(
      target,
      { min: 1, max: 4, acquireTimeoutMillis: 20_000 },
      async ({ pool, database, listen }) => {
        const until = performance.now() + Number(process.env.ADBAPI_TEST_KILLS_MILLIS ?? 1_000);
        const orders = [
          "die now",
          "die soon",
          "throw soon",
          "die before commit",
          "die after commit",
          "die at rollback",
        ];
        const done: number[] = [];
        const undone: number[] = [];
        const strange: unknown[] = [];
        let most = 0;
        const worker = async (_: unknown, index: number) => {
          for (let id = 10_000 + index; performance.now() < until; id += 400) {
            const dies = Math.random() < 0.02;
            const order = dies ? orders[Math.floor(Math.random() * orders.length)]! : "live";
            const asked =
              index % 3 === 0
                ? pool.runInteraction(async (transaction) => {
                    await transaction.runOperation(INSERT, [id]);
                    await transaction.runQuery(`select '${order}'`);
                  })
                : index % 3 === 1
                  ? pool.runOperation(INSERT, [id])
                  : pool.runQuery(`select '${order}' as v`);
            const ear = listen(asked);
            await asked;
            const { error } = ear.heard[0]!;
            if (error === undefined && index % 3 < 2) done.push(id);
            if (error !== undefined && !(error instanceof ConnectionLost)) strange.push(error);
            if (error?.outcome?.startsWith("not")) undone.push(id);
            most = Math.max(most, pool.stats.size + pool.stats.connecting);
          }
        };
        await Promise.all(Array.from({ length: 400 }, worker));
        expect(strange).toEqual([]);
        expect(most).toBeLessThanOrEqual(4);
        expect(pool.stats.losses).toBeGreaterThan(0);
        const there = new Set(await ids(database));
        expect(done.filter((id) => !there.has(id))).toEqual([]);
        expect(undone.filter((id) => there.has(id))).toEqual([]);
        await sleep(20); // those that were to die soon
      },
    ));
});
