/**
 * Behind PgBouncer in transaction mode, with the pool's defaults and with PgBouncer's: never another statement, never
 * another's rows.
 */
import { ConnectionPool } from "adbapi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasPgBouncer, type PgBouncer, startPgBouncer } from "../../support/pgbouncer.js";
import { pgTarget } from "../../support/postgres-target.js";
import { serverUrl } from "../../support/servers.js";
import type { TestDatabase } from "../../support/target.js";
import { WORLD } from "../../support/world.js";

const server = serverUrl("postgres")!;

describe.runIf(server && hasPgBouncer && !WORLD.tls)("PgBouncer", () => {
  let database: TestDatabase;
  let bouncer: PgBouncer;
  const pools: ConnectionPool[] = [];
  const open = (max = 4) => {
    const pool = ConnectionPool.fromUrl(bouncer.through(database.connectArgs as string), { min: 0, max });
    pools.push(pool);
    return pool;
  };

  beforeAll(async () => {
    database = await pgTarget.createDatabase({ serverUrl: server });
    await database.observe(`create table users (id int primary key, name text);
      insert into users select n, 'user ' || n from generate_series(1, 20) n;
      create table log (pool int, note text);
      create function twice(n int) returns int language sql volatile as 'select 2 * n'`);
    // Another server session for each transaction, where that is possible.
    bouncer = await startPgBouncer(server, { default_pool_size: 3, server_round_robin: 1 });
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.close()));
    await bouncer?.close();
    await database?.[Symbol.asyncDispose]();
  });

  test("answers each statement with its own rows, whatever is asked beside it", async () => {
    const services = [open(), open(), open()];
    // One for each: the same count of texts in another order.
    const texts = services.map((_, which) =>
      Array.from(
        { length: 6 },
        (__, n) => `select ${which * 10 + ((n + which) % 6)} as tag, name from users where id = $1`,
      ),
    );
    const ask = async (which: number, turn: number) => {
      const pool = services[which]!;
      const id = 1 + (turn % 20);
      const expected = { tag: which * 10 + ((turn + which) % 6), name: `user ${id}` };
      const sql = texts[which]![turn % 6]!;
      switch (turn % 5) {
        case 0:
          return expect(await pool.runQuery(sql, [id])).toEqual([expected]);
        case 1:
          // Others do the same: under another default isolation that is refused to all but one.
          return pool.runInteraction({ retries: 50 }, async (transaction) => {
            await transaction.runOperation("update users set name = name where id = $1", [id]);
            expect(await transaction.runQuery(sql, [id])).toEqual([expected]);
            await transaction.runInteraction(async (nested) => {
              expect(await nested.runQuery(sql, [id])).toEqual([expected]);
            });
          });
        case 2:
          for await (const row of pool.runStream(sql, [id])) expect(row).toEqual(expected);
          return;
        case 3:
          expect(await pool.runQuery("select twice($1) as n", [turn])).toEqual([{ n: 2 * turn }]);
          return pool.runOperation("delete from log where pool = $1", [-1]);
        default:
          return pool.runInteraction(async (transaction) => {
            await transaction.executeMany(
              "insert into log (pool, note) values ($1, $2)",
              Array.from({ length: 10 }, () => [which, `turn ${turn}`]),
            );
          });
      }
    };
    for (let turn = 0; turn < 60; turn += 6) {
      const turns = Array.from({ length: 18 }, (_, n) => ask(n % 3, turn + Math.floor(n / 3)));
      await Promise.all(turns);
    }
    const logged = await database.observe(
      "select pool, count(*)::int as n from log group by pool order by pool",
    );
    expect(logged).toEqual([0, 1, 2].map((which) => ({ pool: which, n: 120 })));
    expect(await database.observe("select count(*)::int as n from users")).toEqual([{ n: 20 }]);
  });

  test("is found out: statements have no names there, where nobody else would keep them", async () => {
    const pool = open(1);
    for (let run = 0; run < 6; run++) await pool.runQuery("select name from users where id = $1", [run]);
    const names = await pool.runQuery("select name from pg_prepared_statements");
    expect(names).toEqual([]);
  });

  test("has sessions handed back by runWithConnection, which are reset by default", async () => {
    const pool = open(2);
    const work = Array.from({ length: 8 }, (_, n) =>
      pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute("select $1::int as n", [n]);
        expect(await cursor.fetchAll()).toEqual([{ n }]);
        await connection.commit();
      }),
    );
    await Promise.all(work);
    expect(pool.stats.size).toBeGreaterThan(0);
  });

  test("works in session mode too", async () => {
    await using pooled = await startPgBouncer(server, { default_pool_size: 1, pool_mode: "session" });
    await using pool = ConnectionPool.fromUrl(pooled.through(database.connectArgs as string), {
      min: 0,
      max: 1,
    });
    for (let run = 0; run < 5; run++)
      expect(await pool.runQuery("select $1::int as n", [run])).toEqual([{ n: run }]);
  });
});
