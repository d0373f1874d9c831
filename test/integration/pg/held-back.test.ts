/** Streams behind what keeps rows back until there is a Sync, as pgpool-II does. */
import { ConnectionPool, NotSupportedError } from "adbapi";
import { describe, expect, test } from "vitest";
import { HoardingProxy } from "../../support/hoarding-proxy.js";
import { pgTarget } from "../../support/postgres-target.js";
import { WORLD } from "../../support/world.js";

const MANY = "select i, array['sad']::mood[] as v from generate_series(1, 100) as i";

async function behindIt(use: (pool: ConnectionPool) => Promise<void>): Promise<void> {
  await using database = await pgTarget.createDatabase();
  await using proxy = await HoardingProxy.before(database.connectArgs);
  await using pool = new ConnectionPool("pg", proxy.url, { min: 0, max: 1 });
  await pool.runOperation("create type mood as enum ('sad')");
  await use(pool);
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

describe.runIf(pgTarget.unavailable === undefined && !WORLD.tls && WORLD.pooler === undefined)(
  "rows that are kept back",
  () => {
    test("inside of an interaction they are synced for, batch by batch", async () => {
      await behindIt(async (pool) => {
        const rows = await pool.runInteraction(async (transaction) => all(transaction.runStream(MANY)));
        expect(rows).toHaveLength(100);
        expect(rows[99]).toEqual({ i: 100, v: ["sad"] });
        const left = await pool.runInteraction(async (transaction) => {
          for await (const row of transaction.runStream<{ i: number }>(MANY)) if (row.i === 40) break;
          return transaction.runQuery("select 7 as seven");
        });
        expect(left).toEqual([{ seven: 7 }]);
        const failing = pool.runInteraction(async (transaction) =>
          all(transaction.runStream("select 1 / (50 - i) as q from generate_series(1, 100) as i")),
        );
        await expect(failing).rejects.toMatchObject({ code: "22012" });
      });
    });

    test("on its own a stream says so, and the session goes on", async () => {
      await behindIt(async (pool) => {
        await expect(all(pool.runStream(MANY))).rejects.toBeInstanceOf(NotSupportedError);
        expect(await pool.runQuery("select 7 as seven")).toEqual([{ seven: 7 }]);
        expect(await all(pool.runStream("select 7 as seven"))).toEqual([{ seven: 7 }]);
      });
    });
  },
);
