/**
 * F19 and F31: what a prepared statement's text means, in the pool's own verbs; test/integration/pg/names.test.ts has
 * every way to move a name.
 */
import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.js";
import { serverUrl } from "../support/servers.js";
import { describeEach, SERVER_TARGETS, withPool } from "../support/targets.js";

describeEach(
  SERVER_TARGETS.filter((target) => target.server === "postgres"),
  (target) => {
    test("F19 a tenant's schema for each interaction: values are stored as the tenant's own table has them", () =>
      withPool(target, { max: 1 }, async (pool) => {
        for (const [tenant, type] of Object.entries({ a: "timestamptz", b: "text" })) {
          await pool.runOperation(`create schema ${tenant}`);
          await pool.runOperation(`create table ${tenant}.item (at ${type})`);
        }
        const choose = [
          "select set_config('search_path', $1, true)",
          "do $$ begin perform set_config('search_path', '$1', true); end $$",
          "set local search_path = $1",
        ];
        const at = "2026-02-03T12:00:00Z";
        const add = (tenant: string, way: string) =>
          pool.runInteraction(async (transaction) => {
            if (way.startsWith("select")) await transaction.runQuery(way, [tenant]);
            else await transaction.runOperation(way.replace("$1", tenant));
            await transaction.runOperation("insert into item values ($1)", [at]);
          });
        for (const way of choose) {
          for (let run = 0; run < 5; run++) await add("a", way);
          await add("b", way);
          await pool.runInteraction((transaction) =>
            transaction
              .runInteraction(async (nested) => {
                await nested.runOperation("set local search_path = a");
                for (let run = 0; run < 5; run++)
                  await nested.runOperation("insert into item values ($1)", [at]);
                throw new Error("undone");
              })
              .catch(() => {}),
          );
          await add("b", way);
        }
        expect(await pool.runQuery("select distinct at from b.item")).toEqual([{ at }]);
      }));

    test("F19 a temporary table hides another, and the reset brings that back", () =>
      withPool(target, { max: 1 }, async (pool) => {
        await pool.runOperation("create table log (x text)");
        const add = "insert into log values ($1)";
        for (let run = 0; run < 5; run++) await pool.runOperation(add, ["first"]);
        await pool.runWithConnection(async (connection) => {
          const cursor = connection.cursor();
          await cursor.execute("create temp table log (x timestamptz)");
          for (let run = 0; run < 5; run++) await cursor.execute(add, ["2026-02-03T12:00:00Z"]);
          await connection.commit();
        });
        await pool.runOperation(add, ["2026-02-03T12:00:00Z"]);
        expect(await pool.runQuery("select x, count(*)::int as n from log group by x order by n")).toEqual([
          { x: "2026-02-03T12:00:00Z", n: 1 },
          { x: "first", n: 5 },
        ]);
      }));

    test.runIf(hasPgBouncer)("F31 a pooler in transaction mode: no statement of another pool's", async () => {
      await using database = await target.createDatabase({ serverUrl: serverUrl("postgres")! });
      await database.observe("create table victims as select generate_series(1, 5) as id");
      await database.observe("create table users as select 5 as id, 'Bond' as name");
      await using bouncer = await startPgBouncer(serverUrl("postgres")!, {
        default_pool_size: 2,
        server_round_robin: 1,
      });
      const url = bouncer.through(database.connectArgs as string);
      const [writer, reader] = [
        ConnectionPool.fromUrl(url, { max: 3 }),
        ConnectionPool.fromUrl(url, { max: 3 }),
      ];
      try {
        for (let turn = 0; turn < 20; turn++) {
          const removed = Array.from({ length: 4 }, () =>
            writer.runOperation("delete from victims where id = $1", [0]),
          );
          const read = Array.from({ length: 4 }, () =>
            reader.runQuery("select name from users where id = $1", [5]),
          );
          for (const rows of await Promise.all(read)) expect(rows).toEqual([{ name: "Bond" }]);
          for (const { rowCount } of await Promise.all(removed)) expect(rowCount).toBe(0);
        }
        expect(await database.observe("select count(*)::int as n from victims")).toEqual([{ n: 5 }]);
      } finally {
        await Promise.all([writer.close(), reader.close()]);
      }
    });
  },
);
