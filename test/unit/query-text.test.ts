import { describe, expect, test } from "vitest";
import { firstWord, queryText } from "../../dist/src/opentelemetry/query-text.js";

const text = (sql: string, parameterized = false, system = "postgresql") =>
  queryText({ sql, parameterized, source: { database: { system } } } as never);

describe("the text of a statement, for traces", () => {
  test("stays as it is when values were given beside it", () => {
    expect(text("select 'a' where b = $1 -- it's", true)).toBe("select 'a' where b = $1 -- it's");
  });

  test.each([
    ["select * from t where a = 'secret' and b = 17", "select * from t where a = ? and b = ?"],
    ["select 'it''s secret', x from t1", "select ??, x from t1"],
    ['select "secret" from t', "select ? from t"],
    ["select 1.5e3, 0xfeed, x'00'", "select ?, ?, x?"],
    ["select $body$ a 'secret' $$ b $body$, 1", "select ?, ?"],
    ["select a -- it's secret\nfrom t where b = 'secret'", "select a \nfrom t where b = ?"],
    ["select a /* it's secret */ from t where b = 'secret'", "select a  from t where b = ?"],
    ["select 'secret", "select ?"],
  ])("loses the values that stand in it: %s", (sql, expected) => {
    expect(text(sql)).toBe(expected);
    expect(text(sql)).not.toContain("secret");
  });

  test.each([
    ["mysql", "select a # it's secret\nfrom t where b = 'secret'", "select a \nfrom t where b = ?"],
    ["mariadb", "select 5--'\n', 'secret' -- secret", "select ?--?, ? "],
    ["postgresql", "select a #>> '{b,\nsecret}' = 'secret'", "select a #>> ? = ?"],
    ["sqlite", "select 5--'\n, 'secret'", "select ?\n, ?"],
  ])("on %s comments are its own: %s", (system, sql, expected) => {
    expect(text(sql, false, system)).toBe(expected);
  });

  test("is not shown with a comment in a comment", () => {
    expect(text("/* a /* b */ 'secret */ select '")).toBeUndefined();
  });

  test.each(["select 'it\\'s', 'secret'", "select 'c:\\', 'secret'"])(
    "is not shown where only the server knows how it is quoted: %s",
    (sql) => expect(text(sql)).toBeUndefined(),
  );
});

test.each([
  ["select 1", "SELECT"],
  ["  /* a */ -- b\n ((Select 1) union select 2)", "SELECT"],
  ["with a as (select 1) select * from a", "WITH"],
  ["", undefined],
  ["-- nothing", undefined],
])("the first word of %j is %s", (sql, word) => expect(firstWord(sql)).toBe(word));
