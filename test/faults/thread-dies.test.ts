/** F2, F4, F21: threads that hang while they open, that end while idle, and under a statement. */
import { ConnectionLost, ConnectionPool } from "adbapi";
import { blockingDriver } from "adbapi/drivers/blocking";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { mortalDriver } from "../support/mortal-sqlite.js";
import { temporaryFile } from "../support/thread-connections.js";
import { Traces } from "../support/traces.js";
import type { PoolOptions } from "../support/with-pool.js";
import { Ear, quiet } from "../support/with-scripted.js";

const fragile = blockingDriver(new URL("./modules/fragile.mjs", import.meta.url), {
  resourceLimits: { maxOldGenerationSizeMb: 24 },
});

/** A pool whose threads die, and the proof that it works again and leaves none behind. */
async function withThreads(options: PoolOptions, use: (pool: ConnectionPool) => Promise<void>) {
  using traces = new Traces();
  const pool = new ConnectionPool(fragile, [], { min: 0, max: 2, logger: quiet, ...options });
  try {
    await use(pool);
    await pool.runQuery("still there");
    expect(pool.stats.waiting).toBe(0);
  } finally {
    await pool.close({ timeoutMillis: 5_000 });
  }
  expect(pool.stats.size + pool.stats.connecting).toBe(0);
  await eventually("threads", () => fragile.retiredThreads, 0);
  await traces.proveNone();
}

test.each(["exit", "eat memory"])(
  "F21 the thread ends under a statement (%s): ConnectionLost, and a new thread",
  (sql) =>
    withThreads({}, async (pool) => {
      const ears = [new Ear(pool.runQuery(sql)), new Ear(pool.runQuery("neighbour"))];
      await eventually("answers", () => ears.filter((ear) => ear.fired).length, 2);
      expect(ears[0]?.error).toBeInstanceOf(ConnectionLost);
      expect(ears[0]?.error.outcome).toBe("unknown");
      expect(await pool.runQuery("hello")).toEqual([{ said: "hello" }]);
    }),
);

test.each(["exit", "eat memory"])("F21 the same inside of an interaction (%s): not applied", (sql) =>
  withThreads({}, async (pool) => {
    const ear = new Ear(
      pool.runInteraction(async (t) => {
        await t.runQuery("select some work");
        await t.runQuery(`select ${sql}`);
      }),
    );
    await eventually("the answer", () => ear.fired, 1);
    expect(ear.error).toBeInstanceOf(ConnectionLost);
    expect(ear.error.outcome).toBe("not applied");
  }),
);

test("F5 writes that never ran are sent again in the order in which they were asked for", async () => {
  await using pool = new ConnectionPool(mortalDriver({ name: "better-sqlite3" }), temporaryFile(), {
    min: 0,
    max: 2,
    logger: quiet,
  });
  await pool.runOperation("create table log (id integer primary key, n integer)");
  const write = (n: number) => pool.runOperation("insert into log (n) values (?)", [n]);
  for (let n = -3; n < 0; n++) await write(n);
  const deadly = new Ear(pool.runOperation("insert into log (n) select 0 where 'die now' <> ''"));
  await Promise.all(Array.from({ length: 100 }, (_, n) => write(n + 1)));
  expect(deadly.error).toBeInstanceOf(ConnectionLost);
  const rows = await pool.runQuery<{ n: number }>("select n from log where n > 0 order by id");
  expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
});

test.each(["exit soon", "throw soon"])(
  "F4 an idle thread ends (%s): it leaves the pool at once, and min is refilled",
  (sql) =>
    withThreads({ min: 1, max: 1 }, async (pool) => {
      await pool.runQuery(sql);
      await eventually("losses", () => pool.stats.losses, 1);
      await eventually("size", () => pool.stats.size, 1);
      expect(pool.stats.connects).toBe(2);
    }),
);

test("F2 a thread that hangs while it opens: the handshake's deadline", async () => {
  const pool = new ConnectionPool(fragile, ["hang"], {
    min: 0,
    max: 1,
    acquireTimeoutMillis: 1_000,
    logger: quiet,
  });
  const ear = new Ear(pool.runQuery("hello"));
  await eventually("the answer", () => ear.fired, 1);
  expect(ear.error.message).toContain("does not answer");
  const closing = new Ear(pool.close({ timeoutMillis: 100 }));
  await eventually("closed", () => closing.fired, 1);
});
