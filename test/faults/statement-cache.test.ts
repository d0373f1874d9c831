/** F19: prepared statements are bounded, and closed at the server. */
import { expect, test } from "vitest";
import { describeEach, SERVER_TARGETS, TARGETS } from "../support/targets.js";
import { withItems } from "./statement-facts.js";

/** More than any driver keeps, and so many at a time: each of them is one round trip after the other. */
const TEXTS = 320;
const AT_A_TIME = 20;

/** Calls `ask` with each number. */
async function eachText(ask: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < TEXTS; n += AT_A_TIME)
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, place) => ask(n + place)));
}

describeEach(TARGETS, (target) => {
  test("F19 many texts, over and over: right answers, also of those that were forgotten", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const text = (n: number) => target.sql(`select name, ${n} as n from items where id = ?`);
      for (let round = 0; round < 2; round++) {
        await eachText(async (n) => {
          for (let again = 0; again < 4; again++) {
            const [row] = await pool.runQuery<{ name: string; n: unknown }>(text(n), [2]);
            expect([row!.name, Number(row!.n)]).toEqual(["two", n]);
          }
        });
      }
      expect(pool.stats).toMatchObject({ size: 1 });
    }));

  test("F19 a table that changes under its prepared statements", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const select = target.sql("select * from items where id = ?");
      for (let n = 0; n < 8; n++)
        expect(Object.keys((await pool.runQuery<object>(select, [1]))[0]!)).toHaveLength(2);
      await pool.runOperation("alter table items add column more integer");
      for (let n = 0; n < 8; n++)
        expect(Object.keys((await pool.runQuery<object>(select, [1]))[0]!)).toHaveLength(3);
    }));
});

describeEach(SERVER_TARGETS, (target) => {
  test("F19 the server holds a bounded number of them", () =>
    withItems(target, { min: 1, max: 1 }, async (pool) => {
      const open = async () => {
        const [row] = await pool.runQuery<{ n: unknown }>(
          target.server === "postgres"
            ? "select count(*)::int as n from pg_prepared_statements"
            : "select variable_value as n from information_schema.session_status where variable_name = 'Com_stmt_prepare'",
        );
        if (target.server === "postgres") return Number(row!.n);
        const [closed] = await pool.runQuery<{ n: unknown }>(
          "select variable_value as n from information_schema.session_status where variable_name = 'Com_stmt_close'",
        );
        return Number(row!.n) - Number(closed!.n);
      };
      await eachText(async (n) => {
        for (let again = 0; again < 6; again++) {
          await pool.runQuery(target.sql(`select name, ${n} as n from items where id = ?`), [1]);
        }
      });
      const held = await open();
      expect(held).toBeGreaterThan(10);
      expect(held).toBeLessThanOrEqual(300);
    }));
});
