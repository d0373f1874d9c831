/** Where the other tests believe that they are. */
import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { askMysql } from "../support/mysql-observer.js";
import { PASSWORD } from "../support/passwords.js";
import { connectPostgres } from "../support/postgres-observer.js";
import { serverUrl } from "../support/servers.js";
import { describeEach, FILE_TARGETS, SERVER_TARGETS, withPool } from "../support/targets.js";
import { WORLD } from "../support/world.js";

describeEach(SERVER_TARGETS, (target) => {
  test("the server is set up as the world says", async () => {
    const url = serverUrl(target.server!)!;
    const postgres = target.server === "postgres";
    const client = postgres ? await connectPostgres(url, { options: "" }) : undefined;
    for (const [setting, value] of Object.entries(postgres ? WORLD.postgres : WORLD.mysql)) {
      const name = setting.replace("default_time_zone", "time_zone");
      const [row] =
        client === undefined
          ? await askMysql(url, `select concat('', @@global.${name}) as v`)
          : (await client.query(`show ${name}`)).rows;
      const shown = String(Object.values(row!)[0]).split(",").sort();
      expect([name, shown]).toEqual([name, `${value}`.split(",").sort()]);
    }
    await client?.end();
  });

  test.runIf(WORLD.mysql.lc_messages && target.server !== "postgres")("the server speaks German", () =>
    withPool(target, {}, async (pool) => {
      await expect(pool.runQuery("selec")).rejects.toThrow("Syntax");
      await expect(pool.runQuery("selec")).rejects.not.toThrow("You have an error");
    }),
  );

  test.runIf(WORLD.tls)("connections are encrypted", () =>
    withPool(target, {}, async (pool) => {
      const [row] = await pool.runQuery(
        target.server === "postgres"
          ? "select version as v from pg_stat_ssl where pid = pg_backend_pid()"
          : "select variable_value as v from information_schema.session_status where variable_name = 'ssl_version'",
      );
      expect(row!.v).toMatch(/^TLS/);
    }),
  );

  test.runIf(WORLD.tls)("and nobody gets in without", async () => {
    await using database = await target.createDatabase();
    const url = new URL(database.connectArgs);
    url.search = "";
    await using pool = new ConnectionPool(target.name, url.href, { max: 1, acquireTimeoutMillis: 5_000 });
    await expect(pool.runQuery("select 1")).rejects.toThrow();
  });

  test.runIf(!target.ownSessions)("many connections share few sessions, and move from one to the other", () =>
    withPool(target, { min: 8, max: 8 }, async (pool) => {
      const interactions = Array.from({ length: 200 }, () =>
        pool.runInteraction(async (transaction) => {
          const ask = () => transaction.runQuery<{ pid: number }>("select pg_backend_pid() as pid");
          const pids = [...(await ask()), ...(await ask())].map(({ pid }) => pid);
          expect(pids[0]).toBe(pids[1]);
          return pids[0]!;
        }),
      );
      const pids = new Set(await Promise.all(interactions));
      expect(pids.size).toBeGreaterThan(1);
      expect(pids.size).toBeLessThanOrEqual(target.mostSessions);
    }),
  );

  const url = new URL(serverUrl(target.server!)!);
  // Somebody's own server asks for what its owner wants.
  test.runIf(decodeURIComponent(url.password) === PASSWORD)("the password is asked for", async () => {
    url.password = "wrong";
    await using pool = new ConnectionPool(target.name, url.href.replace(/^\w+:/, `${target.server}:`), {
      max: 1,
      acquireTimeoutMillis: 5_000,
    });
    await expect(pool.runQuery("select 1")).rejects.toMatchObject({
      code: target.server === "postgres" ? "28P01" : "ER_ACCESS_DENIED_ERROR",
    });
  });
});

describeEach(FILE_TARGETS, (target) => {
  test.runIf(WORLD.sharedFiles)("another process writes to the file", () =>
    withPool(target, {}, async (pool, database) => {
      const ask = async () => (await pool.runQuery("select word from neighbour"))[0]?.word;
      const words = new Set<unknown>();
      for (let n = 0; n < 500 && words.size < 3; n++) {
        words.add(await ask());
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(words.size).toBe(3);
      expect(database.connectArgs).toMatch(/[ %]/);
    }),
  );
});
