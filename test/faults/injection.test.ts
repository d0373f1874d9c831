/** Params are bound by the server, and SQL reaches it as it is. */
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

const HOSTILE = [
  "Robert'); drop table users; --",
  "\\'; drop table users; #",
  '" or ""="',
  "' or 1=1 --",
  "$1 ? :name @p /* */ -- #",
  "%_\\",
];

describeEach(TARGETS, (target) => {
  test("hostile text is text", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation(`create table users (name ${target.types.text})`);
      for (const text of HOSTILE) await pool.runOperation(target.sql("insert into users values (?)"), [text]);
      const rows = await pool.runQuery<{ name: string }>("select name from users");
      expect(rows.map(({ name }) => name).sort()).toEqual([...HOSTILE].sort());
    }));

  test("marks inside of quotes and comments stay what they are", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const mark = target.placeholder(1);
      const sql = `select '${mark} ?' as a /* ${mark} ? */`;
      expect(await pool.runQuery(sql)).toEqual([{ a: `${mark} ?` }]);
    }));

  test("several statements in one string: none is run", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation(`create table users (name ${target.types.text})`);
      const both = pool.runOperation("insert into users values ('a'); drop table users");
      await expect(both).rejects.toMatchObject({ name: "ProgrammingError" });
      expect(await database.observe("select * from users")).toEqual([]);
    }));
});
