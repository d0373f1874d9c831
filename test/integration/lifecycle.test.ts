/** From the constructor, which opens nothing, to close(), which leaves nothing. */
import { inspect } from "node:util";
import { CancelledError, ConnectionPool, OperationalError, PoolClosed } from "adbapi";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { freePort } from "../support/free-port.js";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  test("the constructor opens nothing; start() opens min connections", () =>
    withPool(target, { min: 2, max: 4 }, async (pool, database) => {
      expect(pool.stats).toMatchObject({ size: 0, connecting: 0, connects: 0 });
      await pool.start();
      expect(pool.stats).toMatchObject({ size: 2, idle: 2, inUse: 0, connects: 2 });
      if (target.server !== undefined) expect(await database.countSessions()).toBe(2);
      await pool.start();
      expect(pool.stats.connects).toBe(2);
    }));

  test("the first statement starts the pool too: min connections follow", () =>
    withPool(target, { min: 3, max: 4 }, async (pool) => {
      await pool.runQuery("select 1");
      await eventually("size", () => pool.stats.size, 3);
    }));

  test("close() lets what is queued and what runs finish", () =>
    withPool(target, { max: 2 }, async (pool, database) => {
      await pool.runOperation("create table done (n integer)");
      const insert = target.sql("insert into done values (?)");
      const work = Array.from({ length: 20 }, (_, n) =>
        n % 2 === 0
          ? pool.runOperation(insert, [n])
          : pool.runInteraction((transaction) => transaction.runOperation(insert, [n])),
      );
      const closed = pool.close();
      expect(pool.closed).toBe(true);
      await closed;
      await Promise.all(work);
      expect(await database.observe("select * from done")).toHaveLength(20);
      expect(pool.stats).toMatchObject({ size: 0, waiting: 0 });
    }));

  test("close({ timeoutMillis }) ends what does not", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const endless = pool.runQuery(target.endlessSql);
      const waiting = pool.runQuery("select 1");
      const answers = Promise.allSettled([endless, waiting]);
      await eventually("running", () => pool.stats.inUse, 1);
      await pool.close({ timeoutMillis: 50 });
      for (const answer of await answers) {
        const { reason } = answer as PromiseRejectedResult;
        // What was on a connection already was cancelled, because of the close.
        expect(reason instanceof CancelledError ? reason.cause : reason).toBeInstanceOf(PoolClosed);
      }
    }));

  test("asked twice, close() gives the same answer; a pool that never opened closes too", () =>
    withPool(target, {}, async (pool) => {
      await Promise.all([pool.close(), pool.close()]);
      await expect(pool.runQuery("select 1")).rejects.toBeInstanceOf(PoolClosed);
      await expect(pool.start()).rejects.toBeInstanceOf(PoolClosed);
    }));

  test("await using closes it", async () => {
    await using database = await target.createDatabase();
    let kept: ConnectionPool;
    {
      await using pool = new ConnectionPool(target.name, database.connectArgs);
      await pool.runQuery("select 1");
      kept = pool;
    }
    expect(kept.closed).toBe(true);
    expect(kept.stats.size).toBe(0);
    await eventually("sessions", () => database.countSessions(), 0);
  });

  test("fromUrl finds the driver by the scheme", async () => {
    await using database = await target.createDatabase();
    await using pool = ConnectionPool.fromUrl(database.url, { max: 1 });
    expect(pool.name).toBe(target.name);
    expect(pool.paramstyle).toBe(target.paramstyle);
    expect(await pool.runQuery(target.sql("select ? as x"), ["y"])).toEqual([{ x: "y" }]);
  });

  test("stats tell what is, and what was", () =>
    withPool(target, { min: 1, max: 2 }, async (pool) => {
      await pool.start();
      await pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1");
        expect(pool.stats).toMatchObject({ inUse: 1 });
      });
      await pool.runInteraction(() => Promise.reject(new Error("no"))).catch(() => {});
      await Promise.all([pool.runQuery("select 1"), pool.runQuery("select 2")]);
      const { stats } = pool;
      expect(stats).toMatchObject({
        waiting: 0,
        inUse: 0,
        statements: 2,
        connectFailures: 0,
        poolTimeouts: 0,
      });
      expect(stats.size).toBe(stats.idle);
      expect(Object.isFrozen(stats)).toBe(true);
    }));
});

describe("nothing listens at the port", () => {
  test.each([
    ["pg", "postgres"],
    ["mysql2", "mysql"],
    ["mariadb", "mariadb"],
  ] as const)(
    "%s: the first statement says so at once, and the pool does not spin",
    async (driver, scheme) => {
      const port = await freePort();
      const url = `${scheme}://someone:SECRET@127.0.0.1:${port}/nowhere`;
      await using pool = new ConnectionPool(driver, url, { max: 3 });
      const began = performance.now();
      const error: unknown = await pool.runQuery("select 1").catch((reason: unknown) => reason);
      // Nobody waits for `acquireTimeoutMillis`, which is 30 s.
      expect(performance.now() - began).toBeLessThan(10_000);
      expect(error).toBeInstanceOf(OperationalError);
      expect(error).toMatchObject({ message: expect.stringContaining("127.0.0.1") });
      expect(error).toMatchObject({ message: expect.stringContaining(String(port)) });
      expect((error as Error).cause).toMatchObject({ code: "ECONNREFUSED" });
      for (const shown of [error, pool])
        expect(inspect(shown, { depth: 12, showHidden: true })).not.toContain("SECRET");

      // A few tries, further and further apart; without back-off there would be thousands.
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(pool.stats.connectFailures).toBeLessThan(30);
      await expect(pool.start()).rejects.toBeInstanceOf(OperationalError);
    },
  );
});
