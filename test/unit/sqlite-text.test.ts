/** What SQLite's drivers read in texts: without a database. */
import { describe, expect, test } from "vitest";
import { classify } from "../../dist/drivers/better-sqlite3/errors.js";
import { firstToken, firstWord } from "../../dist/drivers/blocking/verbs.js";
import { fromUrl } from "../../dist/drivers/sqlite-family/args.js";
import { checkParams, placeholdersOf } from "../../dist/drivers/sqlite-family/placeholders.js";
import { pragmaOf } from "../../dist/drivers/sqlite-family/pragmas.js";
import {
  inserts,
  outsideTransaction,
  repeatable,
  seemsReadOnly,
  stackable,
} from "../../dist/drivers/sqlite-family/text.js";
import { withinMillis } from "../support/held.js";

const MEGABYTE = 1 << 20;

/** Pieces that readers of SQL stumble over, each alone and behind what they look for. */
const PIECES = [
  ..." \n(a1'\"`[]?:@$#;-/*.,=",
  "/* a */",
  "/*",
  "-- a\n",
  "a(",
  ":a(",
  "$a::",
  "?1 ",
  "?1a ",
  "''",
  "'a",
  "[a",
  "insert ",
  "insert or a ",
  "replace ",
  "select ",
  "pragma ",
  "a,b",
  "\ufeff",
  "ż",
  "😀",
];
const HEADS = ["", "with a as ", "pragma ", "explain query plan pragma a."];

/** Of SQL. */
const READERS: readonly ((text: string) => unknown)[] = [
  stackable,
  repeatable,
  seemsReadOnly,
  outsideTransaction,
  inserts,
  placeholdersOf,
  function behindTheStatement(text) {
    return firstToken(text).kind;
  },
];

/** Of errors and URLs. */
const OTHERS: readonly ((text: string) => unknown)[] = [
  function message(text) {
    return classify(Object.assign(new Error(text), { code: "SQLITE_ERROR" }));
  },
  function packagesOwn(text) {
    return classify(new TypeError(text));
  },
  function code(text) {
    return classify(Object.assign(new Error("no"), { code: `SQLITE_${text}` }));
  },
  function url(text) {
    return attempt(() => fromUrl(`sqlite:${text}`));
  },
];

describe("a text of a megabyte holds the event loop for no longer than a moment", () => {
  test.each(HEADS)("behind %j", { timeout: 120_000 }, (head) => {
    for (const piece of PIECES) {
      const text = head + piece.repeat(MEGABYTE / piece.length);
      for (const read of head === "" ? [...READERS, ...OTHERS] : READERS) {
        const quick = withinMillis(500, () => read(text));
        expect(quick, `${read.name}: ${head}${piece}${piece}…`).toBe(true);
      }
    }
  });
});

describe("the first word", () => {
  test.each([
    ["select 1", "select"],
    [" \t\r\n\f SELECT(1)", "select"],
    ["\ufeff;;/* a * / */ -- b\n;Pragma x", "pragma"],
    ["--only", ""],
    ["/* never closed", ""],
    ["(select 1)", ""],
    ["'select' 1", ""],
  ])("%j: %j", (sql, word) => {
    expect(firstWord(sql)).toBe(word);
  });
});

describe("what seems to read", () => {
  test.each([
    ["values (1)", true],
    ["select max(a) from t", true],
    ["explain insert into t values (1)", true],
    ["pragma table_info(t)", true],
    ["with a as (select 1) select * from a", true],
    ["with recursive a(x) as (values (1) union all select x + 1 from a) values (1)", true],
    ["with a as (select 1) insert into t select * from a", false],
    ["with a as (select ')' as \"insert\") /* ( */ delete from t", false],
    ["with a as (select 1), replace as (select 2) replace into t select * from replace", false],
    ["with replace as (select 1) select * from replace", true],
    ["insert into t values (1)", false],
    ["vacuum", false],
    ["begin", false],
  ])("%j: %s", (sql, reads) => {
    expect(seemsReadOnly(sql)).toBe(reads);
  });

  test("only an INSERT or REPLACE has a key of its own", () => {
    expect(inserts("with a as (select 'insert into') select * from a")).toBe(false);
    expect(inserts("with a as (select 1) insert or ignore into t select * from a")).toBe(true);
    expect(inserts("with a as (select 1) update t set a = 'replace into'")).toBe(false);
  });
});

describe("pragmas", () => {
  test.each([
    ["pragma foreign_keys", { name: "foreign_keys", sets: false }],
    [";/* x */PRAGMA/**/Main . Foreign_Keys--\n=/**/off", { name: "foreign_keys", sets: true }],
    ["pragma 'foreign_keys'(0)", { name: "foreign_keys", sets: true }],
    ['pragma "main"."foreign_keys" = 1', { name: "foreign_keys", sets: true }],
    ["pragma [foreign_keys]=1", { name: "foreign_keys", sets: true }],
    ["explain pragma foreign_keys = 1", { name: "foreign_keys", sets: true }],
    ["explain /**/ query plan pragma `foreign_keys`(1)", { name: "foreign_keys", sets: true }],
    ["select pragma", undefined],
    ["explain select 1", undefined],
    ["pragma", undefined],
  ])("%j", (sql, pragma) => {
    expect(pragmaOf(sql)).toEqual(pragma);
  });

  test("what belongs to the transaction begins one", () => {
    expect(outsideTransaction("pragma foreign_keys = on")).toBe(true);
    expect(outsideTransaction(" vacuum")).toBe(true);
    expect(outsideTransaction("pragma defer_foreign_keys = on")).toBe(false);
    expect(outsideTransaction("pragma main.user_version = 3")).toBe(false);
    expect(outsideTransaction("select 1")).toBe(false);
  });
});

describe("placeholders", () => {
  test.each([
    ["select ?, ?", ["?", "?"]],
    ["select ?2, ?1", ["?1", "?2"]],
    ["select ?1, ?", ["?1", "?"]],
    ["select ?, ?1", ["?1"]],
    ["select ?3", [undefined, undefined, "?3"]],
    ["select :a, @a, $a, :a, #b", [":a", "@a", "$a", "#b"]],
    ["select :1, $a::b, @c$d", [":1", "$a::b", "@c$d"]],
    ["select a$b, '?', \"?\", `?`, [?], x'00' -- ?\n /* ? */ from t", []],
    ["select 'it''s ?', \"a\"\"?\", ?", ["?"]],
    ["select ?1e, ż:żó", ["?1", ":żó"]],
    ["select 'never closed ?", []],
  ])("%s", (sql, found) => {
    expect(placeholdersOf(sql)).toEqual(found);
  });

  test.each([
    ["select ?1, ?2", ["x"], "takes 2 params, and 1 were given"],
    ["select ?1, ?1", ["x", "y"], "takes 1 params, and 2 were given"],
    ["select ?2", ["x", "y"], "no ?1: number its params without a gap, or give an object"],
    ["select ?1, :a", ["x", "y"], "names its params (a): give an object"],
    ["select ?1", undefined, "takes 1 params, and 0 were given"],
    ["select ?", { a: 1 }, "marks 1 params with ?: give an array"],
    ["select :a, @b", { a: 1 }, "no value for the params b"],
    ["select :a", { a: 1, toString: 2 }, "no params named toString"],
  ])("%s with %j is refused", (sql, params, said) => {
    expect(() => checkParams(params, placeholdersOf(sql))).toThrow(
      expect.objectContaining({ name: "ProgrammingError", message: expect.stringContaining(said) }),
    );
  });
});

function attempt(call: () => unknown): void {
  try {
    call();
  } catch {
    // Refused is as good.
  }
}
