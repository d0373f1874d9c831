/** Whether a text holds several statements: each database's own quotes and comments. */
import { describe, expect, test } from "vitest";
import { severalStatements as mysql } from "../../dist/drivers/mysql-family/scripts.js";
import { severalStatements as pg } from "../../dist/drivers/pg/script/statements.js";
import { severalStatements as sqlite } from "../../dist/drivers/sqlite-family/statements.js";

const ONE = [
  "select 1",
  "select 1;",
  "; ;select 1 ; ",
  "select ';', 'it''s; one'",
  "select 1 -- one; two",
  "/* one; */ select 1 /* 'two */;",
  "select '-- one', 2",
];
const TWO = [
  "select 1; select 2",
  "select '-- one'; select 2",
  "select 1 /* ' */; select ' */'",
  "select 1;;select 2",
];

describe.each([
  ["PostgreSQL", pg],
  ["MySQL and MariaDB", mysql],
  ["SQLite", sqlite],
])("%s", (_, several) => {
  test.each(ONE)("one: %s", (sql) => expect(several(sql)).toBe(false));
  test.each(TWO)("several: %s", (sql) => expect(several(sql)).toBe(true));
});

test("what only one of them quotes or leaves out", () => {
  expect(mysql("select 1 # one; two")).toBe(false);
  expect(mysql("select `a;b`, 'c\\';d'")).toBe(false);
  expect(mysql("select 1 /*! ; select 2 */")).toBe(true);
  expect(pg("select $a$ ; $a$, e'\\';'")).toBe(false);
  expect(sqlite("select [a;b]")).toBe(false);
});
