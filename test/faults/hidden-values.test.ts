/** Whatever a server makes of a value, nothing of it shows in the error: values and types at random, in every verb. */
import { inspect } from "node:util";
import type { ConnectionPool, Queryable } from "adbapi";
import fc from "fast-check";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type Target, withPool } from "../support/targets.js";

/** No server, no SQL of this test and no path of this machine has such a word. */
const SECRET = "zqhunter2";

/** What servers take apart, escape, cut, fold or refuse. */
const around = fc.string({
  unit: fc.constantFrom(...`"'\\\`{}[]()<>,.:;@ $%&|!*?+-=/~#^\n\té€😀aZ0_9`),
  maxLength: 12,
});
const text = fc.tuple(around, around).map(([before, after]) => `${before}${SECRET}${after}`);
const long = fc
  .tuple(text, fc.constantFrom(10, 70, 300, 5_000))
  .map(([piece, length]) => piece.padEnd(length, piece));
const json = fc.oneof(
  text.map((value) => ({ [value]: 1 })),
  text.map((value) => ({ name: value, inner: [value] })),
);
const scalar = fc.oneof(
  text,
  long,
  text.map((value) => value.toUpperCase()),
);
const LISTS = fc.oneof(
  fc.array(scalar, { minLength: 1, maxLength: 3 }),
  fc.array(json, { minLength: 1, maxLength: 2 }),
);

/** Statements with one param that fail on many values, because of the value. */
const ASKED: Readonly<Record<"pg" | "mysql" | "sqlite", readonly string[]>> = {
  pg: [
    ...[
      ..."int,int[],numeric,float8,date,timestamptz,interval,time,uuid,json,jsonb,jsonpath,inet,macaddr,point,polygon,bytea,bit(8)".split(
        ",",
      ),
      ..."boolean,oid,regclass,regproc,regtype,regrole,tsquery,tsvector,int4range,xml,money,mood,pair,pair[],date[],tsquery[]".split(
        ",",
      ),
    ].map((type) => `select $1::${type}`),
    "select 'a' ~ $1::text",
    "select to_date($1::text, 'YYYY-MM-DD')",
    "select to_timestamp($1::text, 'MM HH24')",
    "select jsonb_path_query('{}', $1::text::jsonpath)",
    "select jsonb_set('[]', array[$1::text], '1')",
    "select set_config($1::text, 'x', true)",
    "select 'now'::timestamptz at time zone $1::text",
    "select decode($1::text, 'hex')",
    "select raises($1::text)",
    "insert into words values ($1::text)",
    "insert into numbers values ($1)",
  ],
  mysql: [
    "insert into words values (?)",
    ..."number,day,moment,amount,document,mood,bits,place,tiny"
      .split(",")
      .map((column) => `insert into typed (${column}) values (?)`),
    "select json_extract('{}', ?)",
    "select json_extract(?, '$')",
    "select 'a' regexp ?",
    "select st_geomfromtext(?)",
    "select extractvalue('<a/>', ?)",
    "select convert_tz(now(), ?, 'UTC') + nosuch",
    "call raises(?)",
    "set session time_zone = ?",
  ],
  sqlite: [
    "insert into words values (?)",
    "insert into typed values (?)",
    "select json(?)",
    "select json_extract('{}', ?)",
    "select '{}' -> ? ->> '$['",
    "select * from documents where documents match ?",
    "select 'a' like 'b' escape ?",
    "insert into raising values (?)",
    "insert into checked values (?)",
  ],
};

const SET_UP: typeof ASKED = {
  pg: [
    "create type mood as enum ('sad')",
    "create type pair as (a int, b date)",
    "create table words (word text check (length(word) < 3))",
    "create table numbers (n int unique)",
    "create function raises(t text) returns int language plpgsql as $$ begin raise exception 'no credit for %', t using detail = t, hint = t; end $$",
  ],
  mysql: [
    "create table words (word varchar(3) unique)",
    "create table typed (number int, day date, moment datetime, amount decimal(5,2), document json, mood enum('sad'), bits bit(3), place point, tiny tinyint)",
    "create procedure raises(t text) signal sqlstate '45000' set message_text = t",
  ],
  sqlite: [
    "create table words (word text check (length(word) < 3))",
    "create table typed (n integer) strict",
    "create virtual table documents using fts5(body)",
    "create table raising (word text)",
    "create trigger raising_words before insert on raising begin select raise(abort, 'no such word'); end",
    "create table checked (word text check (json(word)))",
  ],
};

const VERBS: Readonly<Record<string, (to: Queryable, sql: string, value: unknown) => unknown>> = {
  runQuery: (to, sql, value) => to.runQuery(sql, [value]),
  runOperation: (to, sql, value) => to.runOperation(sql, [value]),
  runStream: async (to, sql, value) => {
    for await (const _row of to.runStream(sql, [value]));
  },
};

const asked = {
  ...Object.fromEntries(
    Object.entries(VERBS).flatMap(([name, ask]) => [
      [name, (pool: ConnectionPool, sql: string, value: unknown) => ask(pool, sql, value)],
      [
        `${name} in an interaction`,
        (pool: ConnectionPool, sql: string, value: unknown) =>
          pool.runInteraction((transaction) => ask(transaction, sql, value)),
      ],
    ]),
  ),
  executeMany: (pool: ConnectionPool, sql: string, value: unknown) =>
    pool.runInteraction((transaction) => transaction.executeMany(sql, [[value], [value]])),
  "a cursor": (pool: ConnectionPool, sql: string, value: unknown) =>
    pool.runWithConnection((connection) => connection.cursor().execute(sql, [value])),
  "executeMany of a cursor": (pool: ConnectionPool, sql: string, value: unknown) =>
    pool.runWithConnection((connection) => connection.cursor().executeMany(sql, [[value]])),
};

/** A float that databases write in many forms; what stays of its digits in all of them. */
const FLOATS: readonly (readonly [number, string])[] = [
  [1.234_56e20, "2345"],
  [-7.654_321e-9, "6543"],
  [987_654.321e3, "87654"],
];

const FLOATING: typeof ASKED = {
  pg: ["float4", "float8", "numeric", "float8::numeric", "float4::numeric", "float8::text::jsonb"].map(
    (type) => `select $1::${type}::text::date`,
  ),
  mysql: [
    "insert into floats values (?, null, null, null)",
    "insert into floats values (null, ?, null, null)",
    "insert into floats values (null, null, ?, null)",
    "insert into floats values (null, null, null, ?)",
    "select pow(?, 999999)",
    "select exp(abs(?) + 1e4)",
    "select ? * 1e300 * 1e300",
  ],
  sqlite: ["select '{}' ->> ('$[' || ?)", "select json(? || 'x')", "select * from json_each('{}', ?)"],
};

describeEach(TARGETS, (target) => {
  test("nothing of a float shows, in whatever form the database writes it", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const family = familyOf(target);
      if (family === "mysql")
        await pool.runOperation(
          "create table floats (f float unique, d double unique, n decimal(65, 12) unique, v varchar(40) unique)",
        );
      let failures = 0;
      for (const sql of FLOATING[family])
        for (const [value, digits] of FLOATS)
          for (const ask of [VERBS.runQuery, asked.executeMany, VERBS.runQuery]) {
            const error = await Promise.resolve(ask?.(pool, sql, value)).then(
              () => undefined,
              (reason: unknown) => reason,
            );
            if (error === undefined) continue;
            failures++;
            expect(inspect(error, { depth: 9 }), `${sql} with ${value}`).not.toContain(digits);
          }
      expect(failures).toBeGreaterThan(5);
    }));

  test("nothing of a value shows in the error that it led to", () =>
    withPool(target, { max: 2 }, async (pool) => {
      const family = familyOf(target);
      for (const sql of SET_UP[family]) await pool.runOperation(sql);
      let failures = 0;
      const property = fc.asyncProperty(
        fc.constantFrom(...ASKED[family]),
        fc.constantFrom(...Object.values(asked)),
        family === "pg" ? fc.oneof(scalar, LISTS, json) : scalar,
        async (sql, ask, value) => {
          const error = await Promise.resolve(ask(pool, sql, value)).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          if (error === undefined) return;
          failures++;
          const shown = [
            inspect(error, { depth: 9 }),
            String(error),
            JSON.stringify(error),
            (error as Error).stack,
          ].join("\n");
          expect(shown.toLowerCase(), `${sql} with ${JSON.stringify(value)}`).not.toContain(SECRET);
        },
      );
      await fc.assert(property, { numRuns: 300 });
      expect(failures).toBeGreaterThan(50);
    }));
});

function familyOf(target: Target): keyof typeof ASKED {
  if (target.server === undefined) return "sqlite";
  return target.server === "postgres" ? "pg" : "mysql";
}
