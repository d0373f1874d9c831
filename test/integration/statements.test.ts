/** A single statement: its rows, its result, and its options. */
import { CancelledError, InterfaceError, StatementTimeout } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type UsePool, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  const withAgents = (use: UsePool<void>) =>
    withPool(target, { max: 2 }, async (pool, database) => {
      await pool.runOperation("create table agents (id integer primary key, name varchar(40))");
      await pool.runOperation("insert into agents values (7, 'Bond'), (86, 'Smart')");
      await use(pool, database);
    });
  const select = "select id, name from agents order by id";

  test("runQuery fires with plain objects, or with arrays where rowMode asks for them", () =>
    withAgents(async (pool) => {
      expect(await pool.runQuery(select)).toEqual([
        { id: 7, name: "Bond" },
        { id: 86, name: "Smart" },
      ]);
      expect(await pool.runQuery(select, [], { rowMode: "array" })).toEqual([
        [7, "Bond"],
        [86, "Smart"],
      ]);
      expect(await pool.runQuery("select * from agents where id = 0")).toEqual([]);
      await pool.runInteraction(async (transaction) => {
        expect(await transaction.runQuery(select, [], { rowMode: "array" })).toHaveLength(2);
      });
    }));

  test("runOperation fires with the number of rows it touched", () =>
    withAgents(async (pool) => {
      const rename = target.sql("update agents set name = ? where id > ?");
      expect(await pool.runOperation(rename, ["Nobody", 100])).toMatchObject({ rowCount: 0 });
      expect(await pool.runOperation("delete from agents")).toMatchObject({ rowCount: 2 });
    }));

  test("runQuery of a statement without rows fires with an empty list", () =>
    withAgents(async (pool) => {
      expect(await pool.runQuery("update agents set name = 'x'")).toEqual([]);
    }));

  test("SQL passes as it is: marks in quotes are text, and values are never part of it", () =>
    withAgents(async (pool) => {
      expect(await pool.runQuery("select '? $1 :name %s' as v")).toEqual([{ v: "? $1 :name %s" }]);
      const find = target.sql("select id from agents where name = ?");
      expect(await pool.runQuery(find, ["x' or '1' = '1"])).toEqual([]);
    }));

  test("params are taken as they are at the call", () =>
    withAgents(async (pool) => {
      const params = [86];
      const answer = pool.runQuery(target.sql("select name from agents where id = ?"), params);
      params[0] = 7;
      expect(await answer).toEqual([{ name: "Smart" }]);
    }));

  test("an integer beyond 2^53 comes back exact", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation(`create table numbers (n ${target.types.bigint})`);
      await pool.runOperation("insert into numbers values (9007199254740993)");
      const [row] = await pool.runQuery<{ n: unknown }>("select n from numbers");
      expect(row!.n).toBe(target.exactInteger === "bigint" ? 9007199254740993n : "9007199254740993");
    }));

  test("timeoutMillis stops it at the server, and the connection goes on", () =>
    withAgents(async (pool) => {
      const late = pool.runQuery(target.endlessSql, [], { timeoutMillis: 100 });
      await expect(late).rejects.toBeInstanceOf(StatementTimeout);
      expect(await pool.runQuery(select)).toHaveLength(2);
      const inside = pool.runInteraction((transaction) =>
        transaction.runQuery(target.endlessSql, [], { timeoutMillis: 100 }),
      );
      await expect(inside).rejects.toBeInstanceOf(StatementTimeout);
      expect(await pool.runQuery(select)).toHaveLength(2);
    }));

  test("an aborted signal cancels it, with the reason as the cause", () =>
    withAgents(async (pool) => {
      const reason = new Error("the browser is gone");
      const { signal } = aborted(reason);
      await expect(pool.runQuery(select, [], { signal })).rejects.toMatchObject({
        cause: reason,
        outcome: "not sent",
      });

      const abort = new AbortController();
      const running = pool.runQuery(target.endlessSql, [], { signal: abort.signal });
      setTimeout(() => abort.abort(reason), 100);
      const error: unknown = await running.catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(CancelledError);
      expect(error).toMatchObject({ cause: reason });
      expect(await pool.runQuery(select)).toHaveLength(2);
    }));

  test("cancel() of a running and of a waiting statement, and nobody else is harmed", () =>
    withAgents(async (pool) => {
      const running = [pool.runQuery(target.endlessSql), pool.runQuery(target.endlessSql)];
      const waiting = pool.runOperation("delete from agents");
      const neighbour = pool.runQuery(select);
      waiting.cancel();
      await expect(waiting).rejects.toBeInstanceOf(CancelledError);
      setTimeout(() => running.map((query) => query.cancel()), 100);
      for (const query of running) await expect(query).rejects.toBeInstanceOf(CancelledError);
      expect(await neighbour).toHaveLength(2);
    }));

  test("timeoutMillis and signal of an interaction roll all of it back", () =>
    withAgents(async (pool, database) => {
      const hang = { timeoutMillis: 150 };
      const late = pool.runInteraction(hang, async (transaction) => {
        await transaction.runOperation("delete from agents");
        await transaction.runQuery(target.endlessSql);
      });
      await expect(late).rejects.toMatchObject({ name: "StatementTimeout", outcome: "not applied" });
      const abort = new AbortController();
      const aborting = pool.runInteraction({ signal: abort.signal }, async (transaction) => {
        await transaction.runOperation("delete from agents");
        abort.abort(new Error("no more"));
        await transaction.runQuery(select);
      });
      await expect(aborting).rejects.toBeInstanceOf(CancelledError);
      expect(await database.observe(select)).toHaveLength(2);
    }));

  test.each([
    { timeout: 5 },
    { timeoutMillis: -1 },
    { timeoutMillis: "5" },
    { rowMode: "map" },
    { signal: {} },
  ])("refuses the option %o", (options) =>
    withAgents(async (pool) => {
      await expect(pool.runQuery(select, [], options as never)).rejects.toBeInstanceOf(InterfaceError);
    }),
  );
});

function aborted(reason: Error): AbortController {
  const controller = new AbortController();
  controller.abort(reason);
  return controller;
}
