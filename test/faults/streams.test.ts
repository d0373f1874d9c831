/** F7, F9 while streaming: between batches, within one, and while nobody asks for rows. */
import { CancelledError, StatementTimeout, type Transaction } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, TARGETS } from "../support/targets.js";
import { failureOf, ids, running, untilRunning, withItems } from "./statement-facts.js";

/** Three to the power of 14 rows, the first of them soon. */
const MANY_ROWS = `select a.id as x from items a ${Array.from({ length: 13 }, (_, n) => `cross join items b${n}`).join(" ")}`;

interface End {
  readonly name: string;
  readonly options: (signal: AbortSignal) => { signal?: AbortSignal; timeoutMillis?: number };
  readonly act: (controller: AbortController) => void;
  readonly error: typeof CancelledError | typeof StatementTimeout;
}

const ENDS: readonly End[] = [
  {
    name: "AbortSignal",
    options: (signal) => ({ signal }),
    act: (controller) => controller.abort(new Error("no longer wanted")),
    error: CancelledError,
  },
  {
    name: "timeoutMillis",
    options: () => ({ timeoutMillis: 1_000 }),
    act: () => {},
    error: StatementTimeout,
  },
];

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  test.each(ENDS)("F7 F9 $name within a batch: the server stops, the session goes on", (end) =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      const controller = new AbortController();
      const rows = pool.runStream(target.endlessSql, undefined, end.options(controller.signal));
      const reading = (async () => {
        for await (const _ of rows);
      })();
      const failing = failureOf(reading);
      if (end.error === CancelledError) await untilRunning(target, pool, database);
      end.act(controller);
      expect(await failing).toBeInstanceOf(end.error);
      if (target.server !== undefined) await eventually("running", () => running(target, database), 0, 3_000);
      await pool.runOperation(insert, [10]);
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
    }),
  );

  test.each(ENDS)("F7 F9 $name between batches, while rows are read", (end) =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      const controller = new AbortController();
      let read = 0;
      const reading = (async () => {
        for await (const _ of pool.runStream(MANY_ROWS, undefined, end.options(controller.signal))) {
          if (++read === 1_000) end.act(controller);
          if (read % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        }
      })();
      expect(await failureOf(reading)).toBeInstanceOf(end.error);
      expect(read).toBeGreaterThanOrEqual(100);
      await pool.runOperation(insert, [10]);
      if (target.server !== undefined) await eventually("running", () => running(target, database), 0, 3_000);
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
    }),
  );

  test.each(ENDS)("F7 F9 $name while nobody asks for rows: the connection is free at once", (end) =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      const controller = new AbortController();
      const rows = pool.runStream(MANY_ROWS, undefined, end.options(controller.signal));
      expect((await rows.next()).done).toBe(false);
      end.act(controller);
      await pool.runOperation(insert, [10]);
      expect(await failureOf(rows.next())).toBeInstanceOf(end.error);
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
    }),
  );

  test("F9 a stream left by break frees its cursor, and the connection with it", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      for (let round = 0; round < 5; round++) {
        for await (const row of pool.runStream<{ x: unknown }>(MANY_ROWS)) {
          expect([1, 2, 3]).toContain(Number(row.x));
          break;
        }
      }
      await pool.runOperation(insert, [10]);
      expect(await ids(database)).toEqual([1, 2, 3, 10]);
      expect(pool.stats).toMatchObject({ size: 1 });
    }));

  test("F22 close({ timeoutMillis }) ends a stream that nobody reads on from, and its reader hears of it", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const rows = pool.runStream(MANY_ROWS);
      await rows.next();
      const closing = pool.close({ timeoutMillis: 100 });
      const failure = await failureOf(
        closing.then(async () => {
          for await (const _ of rows);
        }),
      );
      expect(failure).toMatchObject({ name: "CancelledError", cause: { name: "PoolClosed" } });
    }));

  test("F8 a stream given up while it waits for a connection: not sent", () =>
    withItems(target, { max: 1 }, async (pool) => {
      let release = () => {};
      const holder = pool.runInteraction(() => new Promise<void>((resolve) => (release = resolve)));
      await eventually("in use", () => pool.stats.inUse, 1);
      const controller = new AbortController();
      const failing = failureOf(pool.runStream(target.endlessSql, [], { signal: controller.signal }).next());
      controller.abort();
      expect(await failing).toMatchObject({ name: "CancelledError", outcome: "not sent" });
      release();
      await holder;
    }));

  test("a stream of the pool that leaves a transaction open says so: it is rolled back", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const failure = await failureOf(pool.runStream("begin").next());
      expect(failure).toMatchObject({ name: "ProgrammingError", sql: "begin" });
      expect(failure.message).toContain("rolled back: use runInteraction");
      expect(pool.stats).toMatchObject({ size: 1, inUse: 0 });
      expect(await pool.runInteraction((transaction) => transaction.runQuery("select 1 as x"))).toHaveLength(
        1,
      );
    }));

  test("F9 an interaction given up while it streams: rolled back, the session goes on", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        for await (const _ of transaction.runStream(target.endlessSql));
      });
      await untilRunning(target, pool, database);
      work.cancel();
      expect(await failureOf(work)).toMatchObject({ name: "CancelledError", outcome: "not applied" });
      await pool.runOperation(insert, [11]);
      if (target.server !== undefined) await eventually("running", () => running(target, database), 0, 3_000);
      expect(await ids(database)).toEqual([1, 2, 3, 11]);
    }));

  test.each(ENDS)("F7 F9 $name of a stream of an interaction: the whole is undone, and says so", (end) =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      const controller = new AbortController();
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        const options = end.options(controller.signal);
        const rows = transaction.runStream(target.endlessSql, undefined, options);
        const next = rows.next();
        next.catch(() => {});
        if (end.error === CancelledError) await untilRunning(target, pool, database);
        end.act(controller);
        await next;
        for await (const _ of rows);
      });
      const error = await failureOf(work);
      expect(error).toBeInstanceOf(end.error);
      expect(error.outcome).toBe("not applied");
      expect(await ids(database)).toEqual([1, 2, 3]);
    }),
  );

  test("an interaction that ends while a stream of it begins: the stream is refused, the connection is free", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const reading: Promise<Error>[] = [];
      const read = (transaction: Transaction) =>
        void reading.push(failureOf(transaction.runStream(MANY_ROWS).next()));
      await pool.runInteraction(read).catch(() => {});
      const work = pool.runInteraction(async (transaction) => {
        read(transaction);
        work.cancel();
      });
      expect(await failureOf(work)).toMatchObject({ name: "CancelledError" });
      expect((await Promise.all(reading)).map(({ name }) => name)).toEqual([
        "InterfaceError",
        "CancelledError",
      ]);
      await pool.close();
      expect(pool.stats).toMatchObject({ size: 0 });
    }));

  test("F10 a stream of an interaction that fails half-way: rolled back, its error", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      const work = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        for await (const _ of transaction.runStream("select * from no_such_table"));
      });
      await expect(work).rejects.toThrow("no_such_table");
      expect(await ids(database)).toEqual([1, 2, 3]);
    }));
});
