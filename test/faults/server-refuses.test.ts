/** F1, F2 on real databases: no connection can be made. */
import { ConnectionPool, InterfaceError, OperationalError, PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, FILE_TARGETS, SERVER_TARGETS } from "../support/targets.js";
import { withFaults } from "../support/with-faults.js";
import { quiet } from "../support/with-scripted.js";

describeEach(SERVER_TARGETS, (target) => {
  test("F1 refused: each waiter gets the reason at once, and the pool works when the server is back", () =>
    withFaults(target, { min: 2 }, async ({ pool, forwarder, listen }) => {
      forwarder.refuse();
      const ears = Array.from({ length: 10 }, () => listen(pool.runQuery("select 1")));
      await eventually("answers", () => ears.filter((ear) => ear.fired).length, 10, 5_000);
      for (const { error } of ears) {
        expect(error).toBeInstanceOf(OperationalError);
        expect(error).not.toBeInstanceOf(PoolTimeout);
        expect(error.message).toContain("ECONNREFUSED");
        expect(error.cause).toBeInstanceOf(Error);
      }
      expect(pool.stats.connectFailures).toBeLessThanOrEqual(10 + 3);
      await forwarder.accept();
      await eventually("size", () => pool.stats.size, 2); // by itself
    }));

  test("F1 an unknown database, and an account that may not: the server's own words", () =>
    withFaults(target, {}, async ({ database, listen }) => {
      const wrong = [new URL(database.connectArgs), new URL(database.connectArgs)] as const;
      wrong[0].pathname = "there_is_no_such_database";
      wrong[1].username = "nobody_at_all";
      wrong[1].password = "secret-word";
      for (const { href } of wrong) {
        await using pool = new ConnectionPool(target.name, href, { logger: quiet });
        const ear = listen(pool.runQuery("select 1"));
        await eventually("the failure", () => ear.fired, 1);
        expect(ear.error).toBeInstanceOf(OperationalError);
        expect(ear.error.message).toMatch(/there_is_no_such_database|nobody_at_all/);
        expect(ear.error.message).not.toContain("secret-word");
        expect((ear.error as OperationalError).code).toBeTypeOf("string");
      }
    }));

  test("F1 with a connection open, those who wait get it when it returns, or a PoolTimeout with the reason", () =>
    withFaults(target, { max: 2, acquireTimeoutMillis: 1_500 }, async ({ pool, forwarder, listen }) => {
      let done: (() => void) | undefined;
      const holding = listen(
        pool.runInteraction(async (t) => {
          await t.runQuery("select 1");
          forwarder.refuse();
          await new Promise<void>((resolve) => {
            done = resolve;
          });
        }),
      );
      await eventually("held", () => done !== undefined, true);
      const late = listen(pool.runQuery("select 2"));
      await eventually("the timeout", () => late.fired, 1, 5_000);
      expect(late.error).toBeInstanceOf(PoolTimeout);
      expect((late.error.cause as Error).message).toContain("ECONNREFUSED");
      expect(pool.stats.connectFailures).toBeLessThan(20);
      const intime = listen(pool.runQuery("select 3"));
      done?.();
      await eventually("the return", () => intime.fired + holding.fired, 2);
      expect(intime.heard[0]).toHaveProperty("value");
      await forwarder.accept();
    }));

  test("F2 accepts, then silent: the connect deadline, a little before the waiter's own", () =>
    withFaults(target, { min: 1, acquireTimeoutMillis: 2_000 }, async ({ pool, forwarder, listen }) => {
      forwarder.stall();
      const started = performance.now();
      const ears = [
        listen(pool.runQuery("select 1")),
        listen(pool.runInteraction((t) => t.runQuery("select 1"))),
      ];
      await eventually("answers", () => ears.filter((ear) => ear.fired).length, 2, 6_000);
      expect(performance.now() - started).toBeGreaterThan(1_500);
      for (const { error } of ears) expect(error.message).toContain("does not answer");
      forwarder.resume();
    }));

  test("F2 accepts, then silent, and closed meanwhile", () =>
    withFaults(target, { min: 1 }, async ({ pool, forwarder, listen }) => {
      forwarder.stall();
      const starting = listen(pool.start());
      await eventually("connecting", () => pool.stats.connecting, 1);
      const closing = listen(pool.close());
      await eventually("closed", () => closing.fired + starting.fired, 2, 3_000);
      forwarder.resume();
    }));
});

describeEach(FILE_TARGETS, (target) => {
  test("F1 F3 a file that cannot be opened: the reason at once, and the pool works when it can", async () => {
    await using database = await target.createDatabase();
    const missing = `${database.connectArgs}.directory/file.db`;
    await using pool = new ConnectionPool(target.name, missing, { min: 1, logger: quiet });
    const failures = await Promise.allSettled(Array.from({ length: 5 }, () => pool.runQuery("select 1")));
    for (const failure of failures) {
      expect(failure).toMatchObject({ status: "rejected" });
      const { reason } = failure as PromiseRejectedResult;
      expect(reason instanceof OperationalError || reason instanceof InterfaceError).toBe(true);
      expect(reason).not.toBeInstanceOf(PoolTimeout);
    }
    expect(pool.stats.connectFailures).toBeLessThanOrEqual(5 + 5);
    const { mkdir } = await import("node:fs/promises");
    await mkdir(`${database.connectArgs}.directory`);
    await eventually("size", () => pool.stats.size, 1); // by itself
    expect(await pool.runQuery("select 1 as one")).toEqual([{ one: 1 }]);
  });
});
