/** Many at once: never more connections than allowed, nobody forgotten, the event loop free. */
import { setInterval as every } from "node:timers/promises";
import { ConnectionPool, type Transaction } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, FILE_TARGETS, SERVER_TARGETS, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  test("1000 statements at once on a pool of 5 never open a sixth connection", () =>
    withPool(target, { max: 5 }, async (pool, database) => {
      await pool.runOperation("create table numbers (x integer)");
      const insert = target.sql("insert into numbers values (?)");
      const select = target.sql("select ? as x");
      const work = Array.from({ length: 1000 }, async (_, n) => {
        if (n % 4 === 0) return (await pool.runOperation(insert, [n])).rowCount;
        const [row] = await pool.runQuery<{ x: unknown }>(select, [String(n)]);
        return row!.x;
      });
      const answers = Promise.all(work);
      let most = 0;
      const watch = new AbortController();
      const watching = (async () => {
        for await (const _ of every(20, undefined, { signal: watch.signal })) {
          most = Math.max(most, await database.countSessions(), pool.stats.size + pool.stats.connecting);
        }
      })().catch(() => {});
      expect(await answers).toEqual(work.map((_, n) => (n % 4 === 0 ? 1 : String(n))));
      watch.abort();
      await watching;
      expect(Math.max(most, await database.countSessions())).toBeLessThanOrEqual(5);
      expect(pool.stats.connects).toBeLessThanOrEqual(5);
      expect(await database.observe("select * from numbers")).toHaveLength(250);
    }));

  test("statements, interactions and borrowed connections side by side", () =>
    withPool(target, { max: 4 }, async (pool, database) => {
      await pool.runOperation(`create table visits (id ${target.types.id}, who varchar(40))`);
      const insert = target.sql("insert into visits (who) values (?)");
      const twice = async (transaction: Transaction, who: string) => {
        await transaction.runOperation(insert, [who]);
        await transaction.runOperation(insert, [who]);
      };
      await Promise.all(
        Array.from({ length: 120 }, (_, n) => {
          if (n % 3 === 0) return pool.runOperation(insert, ["statement"]);
          if (n % 3 === 1) return pool.runInteraction(twice, "interaction");
          return pool.runWithConnection(async (connection) => {
            await connection.cursor().execute(insert, ["connection"]);
          });
        }),
      );
      const rows = await database.observe("select who, count(*) as n from visits group by who order by who");
      expect(rows.map(({ who, n }) => [who, Number(n)])).toEqual([
        ["connection", 40],
        ["interaction", 80],
        ["statement", 40],
      ]);
    }));
});

describeEach(SERVER_TARGETS, (target) => {
  test("short statements are not held up by long ones on other connections", () =>
    withPool(target, { max: 3 }, async (pool) => {
      const order: string[] = [];
      const long = [1, 2].map(() => pool.runQuery(target.sleepSql!(1)).addCallback(() => order.push("long")));
      const short = Array.from({ length: 20 }, () =>
        pool.runQuery("select 1").addCallback(() => order.push("short")),
      );
      await Promise.all([...long, ...short]);
      expect(order.slice(0, 20)).toEqual(short.map(() => "short"));
    }));
});

describeEach(FILE_TARGETS, (target) => {
  test("8 writers at once see no busy error", async () => {
    await using database = await target.createDatabase();
    await using pool = new ConnectionPool(target.name, database.connectArgs, { max: 8 });
    await pool.runOperation("create table counter (n integer)");
    await pool.runOperation("insert into counter values (0)");
    const writers = Array.from({ length: 8 }, async () => {
      for (let n = 0; n < 25; n++) {
        await pool.runInteraction(async (transaction) => {
          const [row] = await transaction.runQuery<{ n: number }>("select n from counter");
          await transaction.runOperation("update counter set n = ?", [row!.n + 1]);
        });
      }
    });
    await Promise.all(writers);
    expect(await pool.runQuery("select n from counter")).toEqual([{ n: 200 }]);
  });

  test("the event loop turns freely while a query runs for a second", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runQuery("select 1");
      const query = pool.runQuery<{ n: number }>(
        `with recursive c(x) as (select 1 union all select x + 1 from c where x < 8000000) select count(*) as n from c`,
      );
      const began = performance.now();
      let done = false;
      const finished = query.then(() => {
        done = true;
      });
      let last = 0;
      let latest = 0;
      let ticks = 0;
      for await (const _ of every(5)) {
        const now = performance.now();
        if (last > 0) latest = Math.max(latest, now - last - 5);
        last = now;
        ticks++;
        if (done) break;
      }
      await finished;
      const took = performance.now() - began;
      // Where the query ran on this thread there would be no tick at all before its end.
      expect(ticks).toBeGreaterThan(10);
      expect(latest).toBeLessThan(took / 2);
    }));
});
