/** F17: deadlocks and serialization failures; what is run again, how often, and what never is. */
import {
  ConnectionPool,
  DeadlockDetected,
  OperationalError,
  SerializationFailure,
  type Transaction,
  UniqueViolation,
} from "adbapi";
import { expect, test } from "vitest";
import { describeEach, FILE_TARGETS, SERVER_TARGETS, TARGETS } from "../support/targets.js";
import { failureOf, ids, withItems } from "./statement-facts.js";

/** Fires once so many have come. */
function meeting(of: number): () => Promise<void> {
  let come = 0;
  let open = () => {};
  const all = new Promise<void>((resolve) => (open = resolve));
  return () => {
    if (++come === of) open();
    return all;
  };
}

describeEach(SERVER_TARGETS, (target) => {
  const touch = target.sql("update items set name = 'touched' where id = ?");
  const insert = target.sql("insert into items values (?, 'new')");

  /** Two interactions that lock two rows in opposite orders, at their first attempt. */
  function deadlock(pool: ConnectionPool, retries: number) {
    const meet = meeting(2);
    const attempts = [0, 0];
    const one = (index: 0 | 1, first: number, second: number) =>
      pool.runInteraction({ retries }, async (transaction) => {
        attempts[index]!++;
        await transaction.runOperation(insert, [100 + index]);
        await transaction.runOperation(touch, [first]);
        if (attempts[index] === 1) await meet();
        await transaction.runOperation(touch, [second]);
        return index;
      });
    return { attempts, both: Promise.allSettled([one(0, 1, 2), one(1, 2, 1)]) };
  }

  test("F17 a deadlock without retries: retryable, its work undone, the other's done", () =>
    withItems(target, { min: 2, max: 2 }, async (pool, database) => {
      const { both } = deadlock(pool, 0);
      const settled = await both;
      const victims = settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
      expect(victims).toHaveLength(1);
      expect(victims[0]).toBeInstanceOf(DeadlockDetected);
      expect(victims[0]).toMatchObject({ retryable: true });
      const victim = settled[0]!.status === "rejected" ? 100 : 101;
      const survivors = await ids(database);
      expect(survivors).not.toContain(victim);
      expect(survivors).toContain(201 - victim);
    }));

  test("F17 a deadlock with retries: both are done, each once", () =>
    withItems(target, { min: 2, max: 2 }, async (pool, database) => {
      const { both, attempts } = deadlock(pool, 5);
      expect(await both).toEqual([
        { status: "fulfilled", value: 0 },
        { status: "fulfilled", value: 1 },
      ]);
      expect(attempts[0]! + attempts[1]!).toBeGreaterThanOrEqual(3);
      expect(await ids(database)).toEqual([1, 2, 3, 100, 101]);
      expect(pool.stats).toMatchObject({ retries: attempts[0]! + attempts[1]! - 2 });
    }));

  test("F11 F17 a deadlock that the function swallows: nothing is committed on its own, the whole runs again", () =>
    withItems(target, { min: 2, max: 2 }, async (pool, database) => {
      const meet = meeting(2);
      const attempts = [0, 0];
      const one = (index: 0 | 1, first: number, second: number) =>
        pool.runInteraction({ retries: 5 }, async (transaction) => {
          attempts[index]!++;
          await transaction.runOperation(insert, [100 + index]);
          await transaction.runOperation(touch, [first]);
          if (attempts[index] === 1) await meet();
          let swallowed = false;
          await transaction.runOperation(touch, [second]).catch(() => {
            swallowed = true;
          });
          if (swallowed) await transaction.runOperation(insert, [200 + index]).catch(() => {});
        });
      await Promise.all([one(0, 1, 2), one(1, 2, 1)]);
      expect(await ids(database)).toEqual([1, 2, 3, 100, 101]);
    }));
});

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  test("F17 a business error is not tried again", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      let attempts = 0;
      const broken = (error: Error) =>
        pool.runInteraction({ retries: 5 }, async (transaction) => {
          attempts++;
          await transaction.runOperation(insert, [10]);
          throw error;
        });
      await expect(broken(new Error("a business error"))).rejects.toThrow("a business error");
      expect(attempts).toBe(1);
      const twice = pool.runInteraction({ retries: 5 }, async (transaction) => {
        attempts++;
        await transaction.runOperation(insert, [1]);
      });
      expect(await failureOf(twice)).toBeInstanceOf(UniqueViolation);
      expect(attempts).toBe(2);
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));

  test("F17 what is retryable is tried so many times, with pauses, and then its own error comes", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      let attempts = 0;
      const failure = new OperationalError("busy", { retryable: true });
      const began = performance.now();
      const work = pool.runInteraction({ retries: 4 }, async (transaction) => {
        attempts++;
        await transaction.runOperation(insert, [10]);
        throw new Error("wrapped", { cause: failure });
      });
      expect(await failureOf(work)).toMatchObject({ message: "wrapped", cause: failure });
      expect(attempts).toBe(5);
      // At least half of 10, 20, 40 and 80 ms.
      expect(performance.now() - began).toBeGreaterThanOrEqual(70);
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));

  test("F17 cancel() and timeoutMillis end the pause between two attempts", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      const failure = new OperationalError("busy", { retryable: true });
      const attempt = async (transaction: Transaction) => {
        await transaction.runOperation(insert, [10]);
        throw failure;
      };
      const cancelled = pool.runInteraction({ retries: 1_000 }, attempt);
      setTimeout(() => cancelled.cancel(), 200);
      expect(await failureOf(cancelled)).toMatchObject({ name: "CancelledError", outcome: "not applied" });
      const late = pool.runInteraction({ retries: 1_000, timeoutMillis: 200 }, attempt);
      expect(await failureOf(late)).toMatchObject({ name: "StatementTimeout", outcome: "not applied" });
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));

  test("F17 what was committed in part is never run again", () =>
    withItems(target, { max: 1 }, async (pool, database) => {
      let attempts = 0;
      const work = pool.runWithConnection({ retries: 5 }, async (connection) => {
        attempts++;
        await connection.cursor().execute(insert, [10]);
        await connection.commit();
        throw new OperationalError("busy", { retryable: true });
      });
      expect(await failureOf(work)).toMatchObject({ message: "busy" });
      expect(attempts).toBe(1);
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
    }));
});

describeEach(
  SERVER_TARGETS.filter(({ server }) => server === "postgres"),
  (target) => {
    /**
     * Two serializable transactions that each count what the other inserts: one of them must fail, at its COMMIT at the
     * latest.
     */
    function skew(pool: ConnectionPool, retries: number) {
      const meet = meeting(2);
      const attempts = [0, 0];
      const one = (index: 0 | 1) =>
        pool.runInteraction({ isolation: "serializable", retries }, async (transaction) => {
          attempts[index]!++;
          await transaction.runQuery("select count(*) from items");
          if (attempts[index] === 1) await meet();
          await transaction.runOperation("insert into items values ($1, 'new')", [100 + index]);
          if (attempts[index] === 1) await meet2();
        });
      const meet2 = meeting(2);
      return { attempts, both: Promise.allSettled([one(0), one(1)]) };
    }

    test("F17 a serialization failure that COMMIT reports: retryable, and nothing of it lasts", () =>
      withItems(target, { min: 2, max: 2 }, async (pool, database) => {
        const settled = await skew(pool, 0).both;
        const failed = settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
        expect(failed).toHaveLength(1);
        expect(failed[0]).toBeInstanceOf(SerializationFailure);
        expect(failed[0]).toMatchObject({ retryable: true, sql: "COMMIT" });
        expect(await ids(database)).toHaveLength(4);
      }));

    test("F17 a serialization failure that COMMIT reports: with retries both are done", () =>
      withItems(target, { min: 2, max: 2 }, async (pool, database) => {
        const { both, attempts } = skew(pool, 5);
        expect((await both).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
        expect(attempts[0]! + attempts[1]!).toBe(3);
        expect(await ids(database)).toEqual([1, 2, 3, 100, 101]);
      }));
  },
);

describeEach(FILE_TARGETS, (target) => {
  test("F17 interactions of two pools on one file: each sees what the other did, none is lost", () =>
    withItems(target, { max: 2 }, async (pool, database) => {
      await using other = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 2 });
      const add = (of: ConnectionPool) =>
        of.runInteraction({ retries: 10 }, async (transaction) => {
          const [row] = await transaction.runQuery<{ n: unknown }>("select max(id) as n from items");
          await transaction.runOperation("insert into items values (?, 'new')", [Number(row!.n) + 1]);
        });
      await Promise.all(Array.from({ length: 40 }, (_, n) => add(n % 2 === 0 ? pool : other)));
      expect(await ids(database)).toEqual(Array.from({ length: 43 }, (_, n) => n + 1));
    }));
});
