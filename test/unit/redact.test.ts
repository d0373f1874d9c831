import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { Params } from "../../dist/drivers/driver.js";
import { DatabaseError } from "../../dist/src/errors/classes.js";
import { redactParams } from "../../dist/src/redact/redact.js";

interface Told {
  readonly message: string;
  readonly sql?: string;
  readonly params: Params;
  /** What the package hangs on its error. */
  readonly properties?: Readonly<Record<string, unknown>>;
  /** What must be left of the message. */
  readonly left: string;
  readonly secrets: readonly string[];
}

/** The error that a caller gets, with the package's own as its cause. */
function translated({ message, sql = "select 1", properties = {} }: Partial<Told>): DatabaseError {
  const cause = Object.assign(new Error(message), properties);
  return new DatabaseError(message ?? "", { cause, sql });
}

const everythingOf = (error: Error): string =>
  [inspect(error, { depth: 9, showHidden: true }), error.stack, String(error), JSON.stringify(error)].join(
    "\n",
  );

/** Texts as PostgreSQL 15, MariaDB 10.11 and their packages wrote them. */
const told: Record<string, Told> = {
  "pg: a bad integer": {
    message: 'invalid input syntax for type integer: "SECRET"',
    params: ["SECRET"],
    left: 'invalid input syntax for type integer: "…"',
    secrets: ["SECRET"],
  },
  "pg: a bad integer of one letter": {
    message: 'invalid input syntax for type integer: "q"',
    params: ["q"],
    left: 'invalid input syntax for type integer: "…"',
    secrets: ['"q"'],
  },
  "pg: a number out of range": {
    message: 'value "99999999999" is out of range for type integer',
    params: [99999999999],
    left: 'value "…" is out of range for type integer',
    secrets: ["99999999999"],
  },
  "pg: a float, rounded": {
    message: 'invalid input syntax for type integer: "1.23457e+20"',
    params: [123456789012345680000],
    left: 'invalid input syntax for type integer: "…"',
    secrets: ["23457"],
  },
  "pg: a small one, in digits alone": {
    message: 'invalid input syntax for type date: "-0.000000123456"',
    params: [-1.23456e-7],
    left: 'invalid input syntax for type date: "-…"',
    secrets: ["123456"],
  },
  "pg: an amount": {
    message: 'invalid input syntax for type date: "$98,765.43"',
    params: [98765.4321],
    left: 'invalid input syntax for type date: "$…"',
    secrets: ["98,", "765"],
  },
  "pg: bytes in base64": {
    message: 'invalid input syntax for type integer: "U0VDUkVUIFNFQ1JFVA=="',
    params: [Buffer.from("SECRET SECRET")],
    left: 'invalid input syntax for type integer: "…"',
    secrets: ["U0VDUkVU"],
  },
  "pg: names that a function made of params": {
    message: "no SECRET here",
    properties: { routine: "exec_stmt_raise", table: "SECRET", column: "SECRET", constraint: "SECRET" },
    params: ["SECRET"],
    left: "no … here",
    secrets: ["SECRET"],
  },
  "MariaDB: a float in an expression": {
    message: "DOUBLE value is out of range in 'pow(1.23456e200,3)'",
    sql: "select pow(?, 3)",
    params: [1.23456e200],
    left: "DOUBLE value is out of range in 'pow(…,3)'",
    secrets: ["23456"],
  },
  "MariaDB: a number without its zeros": {
    message: "Duplicate entry '1234567' for key 'b'",
    params: ["0001234567"],
    left: "Duplicate entry '…' for key 'b'",
    secrets: ["34567"],
  },
  "a column whose name is a param too": {
    message:
      'null value in column "email" of relation "users" violates not-null constraint, line 12345 of "users"',
    sql: "insert into users (email, role) values ($1, $2)",
    params: ["email", "users", 12345],
    left: 'null value in column "email" of relation "users" violates not-null constraint, line 12345 of "…"',
    secrets: [],
  },
  "pg: a text with quotes": {
    message: 'invalid input syntax for type integer: "a"b"',
    params: ['a"b'],
    left: 'invalid input syntax for type integer: "…"',
    secrets: ['a"b'],
  },
  "pg: a piece of the param, in lower case": {
    message: 'time zone "europe/secret" not recognized',
    params: ["2020-01-01 Europe/Secret"],
    left: 'time zone "…" not recognized',
    secrets: ["europe/secret"],
  },
  "pg: a key that exists": {
    message: 'duplicate key value violates unique constraint "users_email_key"',
    properties: {
      detail: "Key (email)=(SECRET@x.org) already exists.",
      table: "users",
      constraint: "users_email_key",
    },
    params: ["SECRET@x.org", 1],
    left: 'duplicate key value violates unique constraint "users_email_key"',
    secrets: ["SECRET"],
  },
  "pg: a row that fails a check": {
    message: 'new row for relation "users" violates check constraint "users_check"',
    properties: { detail: "Failing row contains (4, stored, (before), 7654321).", table: "users" },
    params: [7654321],
    left: 'new row for relation "users" violates check constraint "users_check"',
    secrets: ["stored", "7654321", "before"],
  },
  "pg: JSON": {
    message: "invalid input syntax for type json",
    properties: { detail: 'Token "SECRET" is invalid.', where: 'JSON data, line 1: {"a":SECRET...' },
    params: ['{"a":SECRET and more}'],
    left: "invalid input syntax for type json",
    secrets: ["SECRET"],
  },
  "pg: raised by a function": {
    message: "no credit for hunter2 of Ankh-Morpork",
    params: ["hunter2", ["Ankh-Morpork"]],
    left: "no credit for … of …",
    secrets: ["hunter2", "Morpork"],
  },
  "pg: a missing column keeps its name": {
    message: 'column "email" of relation "users" does not exist',
    sql: "insert into users (email) values ($1)",
    params: ["my email is secret@users.org"],
    left: 'column "email" of relation "users" does not exist',
    secrets: ["secret"],
  },
  "pg: a NOT NULL column keeps its name": {
    message: 'null value in column "comment" of relation "posts" violates not-null constraint',
    sql: "insert into posts values ($1, $2)",
    properties: { column: "comment", table: "posts" },
    params: ["a comment on the posts", null],
    left: 'null value in column "comment" of relation "posts" violates not-null constraint',
    secrets: [],
  },
  "mysql: a bad integer": {
    message: "Incorrect integer value: 'SECRET' for column `test`.`t`.`a` at row 1",
    properties: { sqlMessage: "Incorrect integer value: 'SECRET' for column `test`.`t`.`a` at row 1" },
    params: ["SECRET"],
    left: "Incorrect integer value: '…' for column `test`.`t`.`a` at row 1",
    secrets: ["SECRET"],
  },
  "mysql: a key of two values, cut": {
    message: "Duplicate entry '5-it's a long secr...' for key 'a'",
    params: [5, "it's a long secret, and more of it"],
    left: "Duplicate entry '…...' for key 'a'",
    secrets: ["it's", "secr", "5-"],
  },
  "mysql: bytes that it cannot show": {
    message: "Duplicate entry '\\x01A\\xC8' for key 'bytes'",
    params: [Buffer.from([1, 65, 200])],
    left: "Duplicate entry '…' for key 'bytes'",
    secrets: ["x01"],
  },
  "mysql: text that it cannot show": {
    message: "Incorrect string value: '\\xF0\\x9F\\x98\\x80' for column `test`.`t`.`a` at row 1",
    params: ["😀"],
    left: "Incorrect string value: '…' for column `test`.`t`.`a` at row 1",
    secrets: ["xF0"],
  },
  "mysql: a date": {
    message: "Duplicate entry '2026-02-03 04:05:06' for key 'PRIMARY'",
    params: [new Date(2026, 1, 3, 4, 5, 6)],
    left: "Duplicate entry '…' for key 'PRIMARY'",
    secrets: ["2026-02-03", "04:05:06"],
  },
  "mariadb: the params behind the statement": {
    message:
      "(conn:12, no: 1366, SQLState: 22007) Incorrect integer value: 'SECRET'\nsql: insert into t values (?,?) - parameters:['SECRET',7]",
    properties: { sql: "insert into t values (?,?) - parameters:['SECRET',7]", parameters: ["SECRET", 7] },
    params: ["SECRET", 7],
    left: "(conn:12, no: 1366, SQLState: 22007) Incorrect integer value: '…'\nsql: insert into t values (?,?)",
    secrets: ["SECRET", ",7]"],
  },
  "named params": {
    message: 'no such user: "SECRET"',
    params: { user: "SECRET" },
    left: 'no such user: "…"',
    secrets: ["SECRET"],
  },
};

describe("params are taken out of errors", () => {
  test.each(Object.entries(told))("%s", (_name, story) => {
    const error = translated(story);
    redactParams(error, story.params);
    expect(error.message).toBe(story.left);
    expect((error.cause as Error).message).toBe(story.left);
    const shown = everythingOf(error) + everythingOf(error.cause as Error);
    for (const secret of story.secrets) expect(shown).not.toContain(secret);
  });

  test("numbers outside of quotes stay: they are line numbers and limits", () => {
    const error = translated({ message: 'syntax error at or near "x" at line 1, 5 of 5' });
    redactParams(error, [1, 5, ""]);
    expect(error.message).toBe('syntax error at or near "x" at line 1, 5 of 5');
  });

  test("the frames of a stack stay", () => {
    const error = translated({ message: 'bad value "SECRET"' });
    const frames = error.stack?.split("\n").slice(1);
    redactParams(error, ["SECRET"]);
    expect(error.stack?.split("\n")[0]).toBe('DatabaseError: bad value "…"');
    expect(error.stack?.split("\n").slice(1)).toEqual(frames);
  });

  test("a text like a pattern of replacement is no pattern", () => {
    const error = translated({ message: 'bad value "$&$1" for "x"' });
    redactParams(error, ["$&$1"]);
    expect(error.message).toBe('bad value "…" for "x"');
  });

  test("of a long message the beginning is left, with params and without", () => {
    for (const params of [undefined, ["other"]]) {
      const error = translated({ message: "x".repeat(1_000_000) });
      redactParams(error, params);
      for (const text of [error.message, error.stack, (error.cause as Error).message])
        expect(text?.length).toBeLessThan(12_000);
      expect(error.message).toContain("… (990000 more characters)");
    }
  });

  test("bytes that a server escaped hide their value also where they are behind what is shown", () => {
    const message = `no '${"a".repeat(20)}' or "${"b".repeat(9_000)}", "${"q".repeat(5_000)}\\xC3\\xA9"; it isn't`;
    const error = translated({ message });
    redactParams(error, ["other"]);
    expect(error.message).not.toContain("qqq");
    expect(error.message).toContain("bbb");
    expect(error.message).toMatch(/b", "…"… \(\d+ more characters\)$/);
    const shorter = translated({ message: "no '\\xC3a' nor '\\x' nor \"'b\\xFF'\"" });
    redactParams(shorter, ["other"]);
    expect(shorter.message).toBe("no '…' nor '\\x' nor \"…\"");
  });

  test("what bears values is hidden even without params", () => {
    const error = translated({ properties: { detail: "Failing row contains (1, stored)." } });
    redactParams(error, undefined);
    expect(inspect(error)).not.toContain("Failing row");
    expect(error.cause).toMatchObject({ detail: "Failing row contains (…)." });
    expect(Object.keys(error.cause as object)).not.toContain("detail");
  });

  test("a row is hidden in whatever language", () => {
    const error = translated({
      properties: { detail: "Fehlgeschlagene Zeile enthält (1, stored, (before))." },
    });
    redactParams(error, undefined);
    expect(error.cause).toMatchObject({ detail: "Fehlgeschlagene Zeile enthält (…)." });
  });

  test("the whole chain is cleaned: causes of causes, lists of errors, circles", () => {
    const innermost: Error & { cause?: unknown } = new Error("lost SECRET-VALUE");
    const many = new AggregateError([new Error("one SECRET-VALUE"), innermost], "many SECRET-VALUE");
    const error = new DatabaseError("outer SECRET-VALUE", { cause: many });
    innermost.cause = error;
    redactParams(error, ["SECRET-VALUE"]);
    expect(everythingOf(error)).not.toContain("SECRET");
  });

  test("the values of a list of params, as of executeMany", () => {
    const error = translated({ message: "Duplicate entry 'SECRET-7' for key 'k'" });
    redactParams(error, [
      ["other", 1],
      ["SECRET", 7],
    ]);
    expect(error.message).toBe("Duplicate entry '…' for key 'k'");
  });

  test("it never throws", () => {
    const frozen = Object.freeze(translated({ message: '"SECRET"' }));
    const hostile = new Proxy(new Error("x"), {
      get() {
        throw new Error("no");
      },
    });
    for (const error of [
      frozen,
      hostile,
      undefined,
      null,
      "text",
      5,
      {},
      new DatabaseError("x", { cause: hostile }),
    ]) {
      expect(() => redactParams(error, ["SECRET"])).not.toThrow();
    }
    expect(() => redactParams(new Error("x"), [new Date(Number.NaN)])).not.toThrow();
  });

  test("65 000 params are searched in a moment", () => {
    const params = Array.from({ length: 65_000 }, (_, index) => `value number ${index}`);
    const error = translated({ message: 'bad "value number 64999" for key "k"' });
    redactParams(error, params);
    expect(error.message).toBe('bad "…" for key "k"');
  });
});
