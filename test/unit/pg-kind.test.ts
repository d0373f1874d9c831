/** What the text of a statement on PostgreSQL tells of it. */
import { describe, expect, test } from "vitest";
import { effectOf } from "../../dist/drivers/pg/names/effects.js";
import { outlineOf } from "../../dist/drivers/pg/names/kind.js";
import { nameOf } from "../../dist/drivers/pg/names/statement-name.js";
import { eachWord } from "../../dist/drivers/pg/names/words.js";

describe("words", () => {
  const words = (sql: string) => {
    const heard: string[] = [];
    const certain = eachWord(sql, (word, opens) => heard.push(opens ? `${word}(` : word));
    return certain ? heard : undefined;
  };

  test.each([
    ["Select a.B, f (1)", ["select", "a", ".b", "f(", "1"]],
    ["a . b( c", ["a", ".b(", "c"]],
    ['"a b" ("c"."d"(', ['"a b"(', '"c"', '."d"(']],
    ["f/* ( /* */ x(*/-- y(\n(", ["f("]],
    ["x 'f(' 'it''s (' y(", ["x", "y("]],
    ["$1 (a$b(", ["$1(", "a$b("]],
    ["größe(1)", ["größe(", "1"]],
    ["/* only */ -- this", []],
  ])("%s", (sql, expected) => expect(words(sql)).toEqual(expected));

  test.each(["$$ f() $$", "$x$ f() $x$", "E'\\'' f('", "'open", '"open', "/* open", "/* /* */"])(
    "%s: it is not sure",
    (sql) => expect(words(sql)).toBeUndefined(),
  );
});

describe("outlines", () => {
  test.each([
    ["select a from t where b = $1", "read"],
    ["(select 1) union all (select 2)", "read"],
    ["with recursive x as (select 1) select * from x", "read"],
    ["select count(*), max(a), lower(b) from t where a in ($1, $2) and exists (select 1)", "read"],
    ["select coalesce(a, b)::numeric(10, 2) from t order by (a)", "read"],
    ["values ($1), ($2)", "read"],
    ["table t", "read"],
    ["insert into app.t (a, b) values ($1, now()) on conflict (a) do update set b = excluded.b", "write"],
    ['insert into "app"."t" ("a") values ($1)', "write"],
    ["update t set (a, b) = ($1, $2) where c = any($3)", "write"],
    ["with gone as (delete from t returning *) select * from gone", "write"],
    ["merge into t using s on (t.a = s.a) when matched then delete", "write"],
    ["select f(1)", "calls"],
    ["select public.lower(a) from t", "calls"],
    ['select "lower"(a) from t', "calls"],
    ["select * into x from t", "calls"],
    ["select * from f() as g(a int)", "calls"],
    ["update t set a = f(b)", "calls"],
    ["insert into t select set_config('search_path', 'x', true)", "calls"],
    ["select $$ f() $$", "calls"],
    ["call p()", "runs"],
    ["/* x */ do 'begin end'", "runs"],
    ["explain analyze select 1", "runs"],
    ["execute p", "runs"],
    ["fetch 5 from c", "runs"],
    ["ROLLBACK", "command"],
    ["-- x\ncommit", "command"],
    ["begin isolation level serializable", "command"],
    ["create table t (a int)", "command"],
    ["set search_path = x", "command"],
    ["", "command"],
  ])("%s", (sql, kind) => {
    const planned = kind === "read" || kind === "write" || kind === "calls";
    expect(outlineOf(sql)).toMatchObject({ kind, planned });
  });

  test.each([
    ["select a from b where c = $1 and d in (1, 2)", "SELECT a FROM b WHERE c = 'x' and d in ($1)", true],
    ["update t set a = 1 where id = 5", "update t set a = 2 where id = 6", true],
    ["select a from b", "select a from c", false],
    ['select a from "B"', 'select a from "b"', false],
    ["select a from x.b", "select a from b", false],
    ["select a from b, c", "select a from b", false],
  ])("%s is as %s: %s", (one, other, same) => {
    const [first, second] = [outlineOf(one).pattern, outlineOf(other).pattern];
    expect(first).not.toBe("");
    expect(first === second).toBe(same);
  });

  test("take a time that grows with the text", () => {
    for (const part of ["a", "(", "f(", "/*", "'", " ", "a.", '"', "$", "-", "into ", "into a ("]) {
      outlineOf(`select ${part.repeat(500_000)}`);
    }
  });
});

describe("effects", () => {
  test.each([
    ["SET", "set statement_timeout = 5", "none"],
    ["SET", "SET LOCAL lock_timeout TO '1s'", "none"],
    ["SET", "set session app.tenant = 'x'", "none"],
    ["SET", "set transaction isolation level serializable", "none"],
    ["SET", "set search_path = x", "moved"],
    ["SET", 'set "search_path" = x', "moved"],
    ["SET", "set local search_path to x", "moved"],
    ["SET", "set schema 'x'", "moved"],
    ["SET", "set role x", "moved"],
    ["SET", "set session authorization x", "moved"],
    ["SET", "set time zone 'UTC'", "moved"],
    ["SET", "set datestyle = ISO", "moved"],
    ["SET", "/* x */ set work_mem = 5", "moved"],
    ["SET", undefined, "moved"],
    ["RESET", "reset work_mem", "moved"],
    ["DISCARD ALL", "discard all", "moved"],
    ["CREATE TABLE", "create temp table x (a int)", "moved"],
    ["CREATE TABLE", "create table x (a int)", "altered"],
    ["CREATE TABLE", undefined, "altered"],
    ["ALTER TABLE", "alter table x add y int", "altered"],
    ["DROP SCHEMA", "drop schema x", "altered"],
    ["IMPORT FOREIGN SCHEMA", "import foreign schema x", "altered"],
    ["SOMETHING NEW", "something new", "moved"],
    ["BEGIN", "begin", "none"],
    ["COMMIT", "commit", "none"],
    ["SAVEPOINT", "savepoint s", "none"],
    ["LISTEN", "listen x", "none"],
  ])("%s of %s", (tag, sql, effect) => expect(effectOf(tag, sql)).toBe(effect));
});

test("a name tells texts and types apart, and has room at the server", () => {
  const names = [
    nameOf("select $1", [23]),
    nameOf("select $1", [25]),
    nameOf("select $1", []),
    nameOf("select $2", [23]),
  ];
  expect(new Set(names).size).toBe(4);
  expect(nameOf("select $1", [23])).toBe(names[0]);
  for (const name of names) expect(name).toMatch(/^adbapi_[\w-]{32}$/);
});
