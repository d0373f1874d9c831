/**
 * `maxResultBytes`: a result that would outgrow the process is its statement's failure, and the session is used again.
 */
import { type ConnectionPool, DataError, InterfaceError } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type Target, withPool } from "../support/targets.js";

const MOST = 200_000;
const rows = (target: Target, count: number, text: string) =>
  target.server === "postgres"
    ? `select '${text}' || n as word from generate_series(1, ${count}) as n`
    : `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
       select ${target.server === undefined ? `'${text}' || n` : `concat('${text}', n)`} as word from numbers`;

const WAYS: Readonly<Record<string, (pool: ConnectionPool, sql: string) => Promise<unknown>>> = {
  runQuery: (pool, sql) => pool.runQuery(sql).toPromise(),
  "rows as arrays": (pool, sql) => pool.runQuery(sql, [], { rowMode: "array" }).toPromise(),
  runOperation: (pool, sql) => pool.runOperation(sql).toPromise(),
  "in an interaction": (pool, sql) =>
    pool.runInteraction((transaction) => transaction.runQuery(sql)).toPromise(),
  "a cursor": (pool, sql) =>
    pool.runWithConnection((connection) => connection.cursor().execute(sql)).toPromise(),
};

describeEach(TARGETS, (target) => {
  /** MySQL's family counts no further by default. */
  const many = target.server === "postgres" ? 300_000 : 1_000;
  const large = rows(target, many, "x".repeat(target.server === "postgres" ? 200 : 20_000));

  test.each(Object.entries(WAYS))(
    "%s: a large result is a DataError, and the session is used again",
    (_, ask) =>
      withPool(target, { min: 1, max: 1, maxResultBytes: MOST }, async (pool) => {
        const small = rows(target, 500, "y".repeat(50));
        expect(await pool.runQuery(small)).toHaveLength(500);
        const { connects } = pool.stats;
        for (let round = 0; round < 3; round++) {
          const failed = ask(pool, large);
          const behind = pool.runQuery(small);
          await expect(failed).rejects.toThrow(/larger than the pool's maxResultBytes \(200000\)/);
          await expect(failed).rejects.toBeInstanceOf(DataError);
          await expect(failed).rejects.toMatchObject({ sql: large });
          expect(await behind).toHaveLength(500);
        }
        expect(pool.stats.connects).toBe(connects);
      }),
  );

  test("a stream of the same, and results as large as that, go through", () =>
    withPool(target, { max: 1, maxResultBytes: MOST }, async (pool) => {
      let count = 0;
      for await (const _row of pool.runStream(large)) count++;
      expect(count).toBe(many);
      expect(await pool.runQuery(rows(target, 150, "z".repeat(1_000)))).toHaveLength(150);
      await expect(pool.runQuery(rows(target, 250, "z".repeat(1_000)))).rejects.toBeInstanceOf(DataError);
      // Many small ones on one connection at a time are no large one.
      const small = rows(target, 100, "w".repeat(500));
      const all = await Promise.all(Array.from({ length: 50 }, () => pool.runQuery(small)));
      expect(all.every((result) => result.length === 100)).toBe(true);
    }));

  test("what is no number of bytes is refused", () =>
    withPool(target, {}, async (pool) => {
      void pool;
      for (const maxResultBytes of [0, -1, 1.5, Number.NaN, "1"])
        await expect(
          (async () => withPool(target, { maxResultBytes: maxResultBytes as number }, () => {}))(),
        ).rejects.toBeInstanceOf(InterfaceError);
    }));
});
