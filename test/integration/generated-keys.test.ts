/** `lastInsertId` and `rowCount` of writes on MySQL and MariaDB, where they are not what one expects. */
import type { ConnectionPool, OperationResult } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

describeEach(
  TARGETS.filter(({ server }) => server === "mysql" || server === "mariadb"),
  (target) => {
    test.each(["driver", "bigint", "string", "number"] as const)(
      "a generated key of 64 bits has no sign, int64: %s",
      (int64) =>
        withPool(target, { min: 0, max: 1, int64 }, async (pool) => {
          for (const first of [2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 6n]) {
            await pool.runOperation(
              `create or replace table large (id bigint unsigned auto_increment primary key, x int) auto_increment = ${first}`,
            );
            const { lastInsertId } = await pool.runOperation("insert into large (x) values (?)", [1]);
            expect(lastInsertId).toBe(first);
            const text = await pool.runInteraction((t) => t.runOperation("insert into large (x) values (1)"));
            expect(text.lastInsertId).toBe(first + 1n);
            await pool.runInteraction(async (cursor) => {
              await cursor.execute("insert into large (x) values (?)", [1]);
              expect(cursor.lastInsertId).toBe(first + 2n);
            });
          }
          expect(await pool.runQuery("select 1 + ? as one", [0])).toHaveLength(1);
        }),
    );

    test("a key that the caller stored is told where it cannot be another", () =>
      withPool(target, { min: 0, max: 1 }, async (pool) => {
        await pool.runOperation("create table given (id bigint auto_increment primary key, x int)");
        const insert = "insert into given (id, x) values (?, 1)";
        for (const [id, told] of [
          [500, 500],
          [2n ** 62n, 2n ** 62n],
          [-5, undefined], // as a BIGINT UNSIGNED it would be 2^64 - 5
          [-(2n ** 63n), undefined],
        ] as const) {
          expect((await pool.runOperation(insert, [id])).lastInsertId, `${id}`).toBe(told);
        }
        const table = "create table positive (id bigint unsigned auto_increment primary key, x int)";
        await pool.runOperation(table);
        const large = await pool.runOperation("insert into positive (id, x) values (?, 1)", [2n ** 63n + 5n]);
        expect(large.lastInsertId).toBe(undefined); // as a BIGINT it would be 5 - 2^63
      }));

    /** The server counts an unchanged row as found, and generates no key for it. */
    test("an upsert that changes nothing", () =>
      withPool(target, { min: 0, max: 1 }, async (pool) => {
        await pool.runOperation("create table up (id int auto_increment primary key, k int unique, x int)");
        const upsert = "insert into up (k, x) values (?, ?) on duplicate key update x = values(x)";
        const keyed = upsert.replace("update ", "update id = last_insert_id(id), ");
        const ways: [string, (sql: string, params: number[]) => Promise<OperationResult>][] = [
          ["pool", async (sql, params) => pool.runOperation(sql, params)],
          ["interaction", async (sql, params) => pool.runInteraction((t) => t.runOperation(sql, params))],
        ];
        for (const [way, run] of ways) {
          await pool.runOperation("truncate up");
          expect(await run(upsert, [1, 1]), way).toEqual({ rowCount: 1, lastInsertId: 1 });
          expect(await run(upsert, [1, 1]), way).toEqual({ rowCount: 1, lastInsertId: undefined });
          expect(await run(upsert, [1, 2]), way).toEqual({ rowCount: 2, lastInsertId: 1 });
          expect(await run(keyed, [1, 2]), way).toEqual({ rowCount: 1, lastInsertId: 1 });
        }
      }));

    test("an update that changes nothing, and an insert that is ignored", () =>
      withPool(target, { min: 0, max: 1 }, async (pool: ConnectionPool) => {
        await pool.runOperation("create table same (id int auto_increment primary key, x int unique)");
        await pool.runOperation("insert into same (x) values (1)");
        const none = { lastInsertId: undefined };
        expect(await pool.runOperation("update same set x = ?", [1])).toEqual({ rowCount: 1, ...none });
        expect(await pool.runOperation("update same set x = 1 where x = 2")).toEqual({
          rowCount: 0,
          ...none,
        });
        expect(await pool.runOperation("insert ignore into same (x) values (?)", [1])).toEqual({
          rowCount: 0,
          ...none,
        });
      }));
  },
);
