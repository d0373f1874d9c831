import { describe, expect, test } from "vitest";
import { InterfaceError } from "../../dist/src/errors/classes.js";
import { checkSql } from "../../dist/src/statement/check-sql.js";

describe("the text of a statement", () => {
  test.each([
    ["B1 undefined", undefined, "undefined"],
    ["B1 null", null, "null"],
    ["B1 a number", 1, "a number"],
    ["B1 an object", { sql: "select 1" }, "an object"],
    ["B1 an array", ["select 1"], "an array"],
    ["B1 a function", () => "select 1", "a function"],
    ["B1 a symbol", Symbol("select 1"), "a symbol"],
    ["B1 a Buffer", Buffer.from("select 1"), "a Buffer"],
    ["B1 a String object", new String("select 1"), "a String object"],
    ["B2 empty", "", "empty"],
    ["B2 blank", " \t\r\n", "empty"],
    ["B2 blank beyond ASCII", "\u00a0\u2003\ufeff", "empty"],
    ["B2 semicolons", " ;\n; ", "empty"],
    ["B3 NUL at the end", "select 1\0", "NUL"],
    ["B3 NUL before more", "select 1 as a \0 , 2", "NUL"],
    ["B5 a lone high surrogate", "select '\ud800'", "surrogate"],
    ["B5 a lone low surrogate", "select '\udc00 \ud83d\ude00'", "surrogate"],
  ])("%s is refused", (_row, sql, said) => {
    expect(() => checkSql(sql)).toThrow(InterfaceError);
    expect(() => checkSql(sql)).toThrow(said);
  });

  test.each([
    "select 1",
    ";select 1",
    "-- only a comment",
    "/* so is this */",
    "  \n select 1;",
    "select '😀'",
    "żółw",
    "x",
  ])("%j passes as it is", (sql) => {
    expect(checkSql(sql)).toBe(sql);
  });

  test("a refusal does not repeat the text", () => {
    expect(() => checkSql("secret\0")).toThrow(/^(?!.*secret)/);
  });
});
