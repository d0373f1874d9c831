/** F9, invariant "cancelling one statement never harms another": a stream of statements, many of them given up. */
import { expect, test } from "vitest";
import { describeEach, SERVER_TARGETS, TARGETS } from "../support/targets.js";
import { failureOf, ids, untilRunning, withItems } from "./statement-facts.js";

describeEach(TARGETS, (target) => {
  const select = target.sql("select id, name from items where id = ?");
  const names = ["", "one", "two", "three"];

  test("F9 300 cancels in a stream of neighbours: each caller gets its own answer", () =>
    withItems(target, { min: 2, max: 2 }, async (pool) => {
      // So that it is known to be fast, and others may travel with it.
      for (let n = 0; n < 6; n++) await pool.runQuery(select, [1]);
      let cancelled = 0;
      const kept: Promise<void>[] = [];
      for (let n = 0; n < 900; n++) {
        const id = 1 + (n % 3);
        const query = pool.runQuery(select, [id]);
        if (n % 3 !== 2) {
          kept.push(
            query.then((rows) => {
              expect(rows).toMatchObject([{ name: names[id] }]);
            }),
          );
          continue;
        }
        // Some while they wait, some in the turn they are sent, some while they are under way.
        query.addErrback((failure) => {
          expect(failure.value).toMatchObject({ name: "CancelledError" });
        });
        if (n % 2 === 0) query.cancel();
        else setImmediate(() => query.cancel());
        cancelled++;
        if (n % 30 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(cancelled).toBe(300);
      expect(
        await Promise.allSettled(kept).then((all) => all.filter((one) => one.status === "rejected")),
      ).toEqual([]);
    }));

  test("F9 writes beside cancelled ones are done once each", () =>
    withItems(target, { min: 2, max: 2 }, async (pool, database) => {
      const insert = target.sql("insert into items values (?, 'new')");
      const kept: Promise<unknown>[] = [];
      const given: Promise<[number, Awaited<ReturnType<typeof failureOf>> | undefined]>[] = [];
      for (let n = 0; n < 200; n++) {
        const id = 100 + n;
        const write = pool.runOperation(insert, [id]);
        if (n % 4 !== 0) kept.push(write.then((answer) => expect(answer.rowCount).toBe(1)));
        else {
          given.push(
            write.then(
              () => [id, undefined],
              (error) => [id, error as Error],
            ),
          );
          if (n % 8 === 0) write.cancel();
          else setImmediate(() => write.cancel());
        }
        if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(kept);
      const failures = await Promise.all(given);
      await pool.runInteraction((transaction) => transaction.runQuery("select 1 as v"));
      const there = new Set(await ids(database));
      for (let n = 0; n < 200; n++) if (n % 4 !== 0) expect(there).toContain(100 + n);
      for (const [id, error] of failures) {
        if (error === undefined || error.outcome === "applied") expect(there).toContain(id);
        else if (error.outcome !== "unknown") expect(there).not.toContain(id);
      }
    }));
});

describeEach(SERVER_TARGETS, (target) => {
  test("F9 who is ahead of a cancelled statement may take its time", () =>
    withItems(target, { min: 1, max: 1 }, async (pool, database) => {
      // Fast in the past, and slow this once: what is known of its text lets others travel behind it.
      const pace = target.server === "postgres" ? "select pg_sleep($1) is null as v" : "select sleep(?) as v";
      for (let n = 0; n < 6; n++) await pool.runQuery(pace, [0]);
      const slow = pool.runQuery(pace, [6.5]);
      const behind = pool.runQuery(pace, [0]);
      await untilRunning(target, pool, database);
      behind.cancel();
      await failureOf(behind);
      expect(await slow).toHaveLength(1);
    }));
});
