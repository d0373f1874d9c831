/** Rows one by one: no faster than they are asked for, and the connection is handed on however it ends. */
import { CancelledError, InterfaceError, ProgrammingError, StatementTimeout } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type UsePool, withPool } from "../support/targets.js";

const ROWS = 3_000;

describeEach(TARGETS, (target) => {
  const withNumbers = (use: UsePool<void>) =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation("create table numbers (x integer)");
      const insert = target.sql("insert into numbers values (?)");
      const all = Array.from({ length: ROWS }, (_, x) => [x]);
      await pool.runInteraction((transaction) => transaction.executeMany(insert, all));
      await use(pool, database);
    });
  const select = "select x from numbers order by x";
  const stillWorks = { x: 1 };

  test("gives every row, in order, as objects or arrays", () =>
    withNumbers(async (pool) => {
      let expected = 0;
      for await (const row of pool.runStream<{ x: number }>(select)) expect(row).toEqual({ x: expected++ });
      expect(expected).toBe(ROWS);
      const limited = target.sql("select x from numbers where x < ? order by x");
      const arrays: unknown[] = [];
      for await (const row of pool.runStream(limited, [2], { rowMode: "array" })) arrays.push(row);
      expect(arrays).toEqual([[0], [1]]);
      for await (const row of pool.runStream("select x from numbers where x < 0"))
        expect(row).toBeUndefined();
    }));

  test("left early, its only connection serves the next statement", () =>
    withNumbers(async (pool) => {
      for await (const _ of pool.runStream(select)) break;
      expect(await pool.runQuery("select 1 as x")).toEqual([stillWorks]);
      const failing = async () => {
        for await (const _ of pool.runStream(select)) throw new Error("a bug in the loop");
      };
      await expect(failing()).rejects.toThrow("a bug in the loop");
      expect(await pool.runQuery("select 1 as x")).toEqual([stillWorks]);
    }));

  test("a statement that fails fails the loop", () =>
    withNumbers(async (pool) => {
      await expect(pool.runStream("select * from notable").next()).rejects.toMatchObject({
        constructor: ProgrammingError,
        sql: "select * from notable",
      });
      expect(await pool.runQuery("select 1 as x")).toEqual([stillWorks]);
    }));

  test("a signal and timeoutMillis end it", () =>
    withNumbers(async (pool) => {
      const abort = new AbortController();
      const aborted = async () => {
        for await (const _ of pool.runStream(select, [], { signal: abort.signal })) abort.abort();
      };
      await expect(aborted()).rejects.toBeInstanceOf(CancelledError);
      const late = async () => {
        const pause = () => new Promise((resolve) => setTimeout(resolve, 300));
        for await (const _ of pool.runStream(select, [], { timeoutMillis: 100 })) await pause();
      };
      await expect(late()).rejects.toBeInstanceOf(StatementTimeout);
      expect(await pool.runQuery("select 1 as x")).toEqual([stillWorks]);
    }));

  test("a signal ends the wait for a connection, also one that was aborted before", () =>
    withNumbers(async (pool) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1"); // the only connection is taken
        const early = new AbortController();
        const first = pool.runStream(select, [], { signal: early.signal }).next();
        early.abort(new Error("at once"));
        await expect(first).rejects.toMatchObject({ name: "CancelledError", outcome: "not sent" });
        const late = new AbortController();
        const second = pool.runStream(select, [], { signal: late.signal }).next();
        setTimeout(() => late.abort(), 50);
        await expect(second).rejects.toMatchObject({ name: "CancelledError", outcome: "not sent" });
      });
    }));

  test("in a transaction it has the session for itself while it is open", () =>
    withNumbers(async (pool) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.runOperation("delete from numbers where x >= 1000");
        let rows = 0;
        for await (const _ of transaction.runStream(select)) {
          if (rows++ === 0) {
            await expect(transaction.runQuery("select 1")).rejects.toBeInstanceOf(InterfaceError);
          }
        }
        expect(rows).toBe(1_000);
        expect(await transaction.runQuery("select 1 as x")).toEqual([stillWorks]);
      });
    }));

  test("an interaction that leaves a stream open is committed, and who reads on is told", () =>
    withNumbers(async (pool) => {
      const { stream } = await pool.runInteraction(async (transaction) => {
        await transaction.runOperation("delete from numbers where x >= 1000");
        const stream = transaction.runStream(select);
        expect(await stream.next()).toEqual({ value: { x: 0 }, done: false });
        return { stream };
      });
      await expect(stream.next()).rejects.toBeInstanceOf(InterfaceError);
      expect(await pool.runQuery("select max(x) as x from numbers")).toEqual([{ x: 999 }]);
    }));

  test("a nested interaction that leaves a stream open holds nobody up, failed or not", () =>
    withNumbers(async (pool) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.runInteraction(async (nested) => {
          await nested.runOperation("delete from numbers where x >= 1000");
          await nested.runStream(select).next();
        });
        const failing = transaction.runInteraction(async (nested) => {
          await nested.runOperation("delete from numbers");
          await nested.runStream("select 1 as x").next();
          throw new Error("no");
        });
        await expect(failing).rejects.toThrow("no");
      });
      expect(await pool.runQuery("select max(x) as x from numbers")).toEqual([{ x: 999 }]);
    }));

  test("an interaction that is cancelled ends its stream with the reason", () =>
    withNumbers(async (pool) => {
      let stream: AsyncIterator<unknown> | undefined;
      const cancelled = pool.runInteraction(async (transaction) => {
        stream = transaction.runStream(select);
        await stream.next();
        await new Promise(() => {});
      });
      setTimeout(() => cancelled.cancel(), 100);
      await expect(cancelled).rejects.toBeInstanceOf(CancelledError);
      await expect(stream!.next()).rejects.toBeInstanceOf(CancelledError);
      expect(await pool.runQuery("select 1 as x")).toEqual([stillWorks]);
    }));
});
