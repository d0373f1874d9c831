/**
 * A session whose character set is changed to one that the packages do not know: whoever asks it next hears what to do,
 * whichever package it is.
 */
import { ConnectionPool, DataError, type Queryable } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS } from "../support/targets.js";

const drained = async (on: Queryable, sql: string, params?: unknown[]) => {
  for await (const _row of on.runStream(sql, params));
};

const WAYS: Readonly<Record<string, (on: Queryable) => PromiseLike<unknown>>> = {
  "a text": (on) => on.runQuery("select 'a' as a"),
  "a text with params": (on) => on.runQuery("select ? as a", ["a"]),
  "where nobody wants rows": (on) => on.runOperation("select 'a' as a"),
  "a stream": (on) => drained(on, "select 'a' as a"),
  "a stream with params": (on) => drained(on, "select ? as a", ["a"]),
};

describeEach(
  TARGETS.filter(({ server }) => server === "mysql" || server === "mariadb"),
  (target) => {
    test.each(Object.entries(WAYS))("%s", async (_way, ask) => {
      await using database = await target.createDatabase();
      await using pool = new ConnectionPool(target.name, database.connectArgs as never, { min: 0, max: 1 });
      for (const charset of ["dec8", "swe7"]) {
        const error = await pool
          .runInteraction(async (transaction) => {
            await transaction.runOperation(`set names ${charset}`);
            await ask(transaction);
          })
          .then(
            () => undefined,
            (reason: unknown) => reason,
          );
        expect(error).toBeInstanceOf(DataError);
        expect((error as Error).message).toMatch(new RegExp(`changed to ${charset}.*SET NAMES utf8mb4`));
        expect(await pool.runQuery("select 'ž' as a")).toEqual([{ a: "ž" }]);
      }
    });
  },
);
