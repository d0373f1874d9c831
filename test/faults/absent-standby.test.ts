/** F15: a COMMIT that waits for a synchronous standby which is not there. */
import { CancelledError, ConnectionPool, StatementTimeout } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { ownServer } from "../support/servers.js";
import { describeEach, TARGETS } from "../support/targets.js";

const NOT_REPLICATED = "might not have been replicated";

describeEach(
  TARGETS.filter(({ server }) => server === "postgres"),
  (target) => {
    test("F15 a COMMIT that is given up leaves no session behind, and is told of", async () => {
      await using server = await ownServer("postgres");
      await using database = await target.createDatabase({ serverUrl: server.url });
      await using admin = new ConnectionPool("pg", database.connectArgs, { min: 0, max: 1 });
      const warnings: string[] = [];
      const nothing = () => {};
      const warn = (text: string) => void warnings.push(text);
      const logger = { debug: nothing, info: nothing, warn, error: nothing };
      await using pool = new ConnectionPool("pg", database.connectArgs, {
        name: "counted",
        min: 0,
        max: 1,
        logger,
      });
      const name = new URL(database.connectArgs).pathname.slice(1);
      // A server for tests does not wait for its disk.
      await admin.runOperation(`alter database ${name} set synchronous_commit = on`);
      await pool.runOperation("create table t (n int)");
      const wait = async (names: string) => {
        await admin.runOperation(`alter system set synchronous_standby_names = '${names}'`);
        await admin.runQuery("select pg_reload_conf()");
        const shown = async () => {
          await using fresh = new ConnectionPool("pg", database.connectArgs, { min: 0, max: 1 });
          return (
            await fresh.runQuery<{ v: string }>("select current_setting('synchronous_standby_names') as v")
          )[0]?.v;
        };
        await eventually("synchronous standby", shown, names);
      };
      await wait("nobody");

      const write = (n: number, limits: { timeoutMillis?: number; signal?: AbortSignal }) =>
        pool.runInteraction(limits, (transaction) => transaction.runOperation(`insert into t values (${n})`));
      await expect(write(1, { timeoutMillis: 300 })).rejects.toBeInstanceOf(StatementTimeout);
      const cancelled = write(2, { signal: AbortSignal.timeout(300) });
      await expect(cancelled).rejects.toBeInstanceOf(CancelledError);
      const single = pool.runOperation("insert into t values (3)", [], { timeoutMillis: 300 });
      // The wait ends, and what it waited for is done.
      await expect(single).rejects.toMatchObject({ name: "StatementTimeout" });

      // The one place goes to the next only when the server has let go of the one before.
      const mine = "select count(*)::int as n from pg_stat_activity where application_name = 'counted'";
      expect(await pool.runQuery(mine)).toEqual([{ n: 1 }]);
      expect(warnings.filter((text) => text.includes(NOT_REPLICATED))).not.toEqual([]);
      await wait("");
      expect(await pool.runQuery("select n from t order by n")).toContainEqual({ n: 1 });
    });
  },
);
