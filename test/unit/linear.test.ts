/**
 * What reads SQL, params, URLs and error texts takes a time that grows with their length: a megabyte of the worst holds
 * the event loop for a moment.
 */
import { describe, expect, test } from "vitest";
import { isPlain } from "../../dist/drivers/mariadb/bulk/text.js";
import * as mysqlText from "../../dist/drivers/mysql-family/text.js";
import { endsTransaction } from "../../dist/drivers/mysql-family/transaction.js";
import { outlineOf } from "../../dist/drivers/pg/names/kind.js";
import { nameOf } from "../../dist/drivers/pg/names/statement-name.js";
import * as pgText from "../../dist/drivers/pg/text.js";
import * as pgTransaction from "../../dist/drivers/pg/transaction.js";
import { driverForUrl } from "../../dist/drivers/registry.js";
import * as sqliteText from "../../dist/drivers/sqlite-family/text.js";
import { DatabaseError } from "../../dist/src/errors/classes.js";
import { queryResult } from "../../dist/src/kysely/result.js";
import { redact } from "../../dist/src/monitor/redact.js";
import { queryText, firstWord as traced } from "../../dist/src/opentelemetry/query-text.js";
import { redactParams } from "../../dist/src/redact/redact.js";
import { checkSql, mayEndTransaction } from "../../dist/src/statement/check-sql.js";
import { firstWord, skipBlanks, withoutComments } from "../../dist/src/statement/sql-comments.js";

const MEGABYTE = 1_000_000;
const many = (piece: string) => piece.repeat(Math.ceil(MEGABYTE / piece.length));

/**
 * What made patterns try again from each place: blanks, open comments, quotes, parentheses, one letter, words that
 * begin alike.
 */
const WORST = [
  ...[
    "\n",
    " ",
    "a",
    "(",
    "'",
    '"',
    "`",
    "$",
    "=(",
    "--",
    "/*",
    "/* a */",
    "--\n",
    "#\n",
    "a(",
    '"(',
    "a (",
    "in (",
  ],
  ...[
    "$a",
    "$$",
    "?",
    ":a",
    "@",
    "é",
    "\\x",
    "x'",
    "1.",
    "with a as ()",
    "entry '",
    "contains (",
    "... ",
    "no key ",
  ],
].map(many);

const ends = (text: string) => [`${text}1`, `select a${text}(`];
const TEXTS = WORST.flatMap(ends);

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  "the check of SQL": (text) => refusal(() => checkSql(text)),
  "whether it may end a transaction": mayEndTransaction,
  "the first word": firstWord,
  "what stands ahead": (text) => skipBlanks(text, 0, "(", { mysql: true }),
  "without comments": (text) => withoutComments(`begin ${text}`, { mysql: true }),
  "PostgreSQL: the text": (text) => [
    pgText.stackable(text),
    pgText.repeatable(text),
    pgText.allOrNothing(text),
  ],
  "PostgreSQL: the words": (text) => outlineOf(text),
  "PostgreSQL: the name": (text) => nameOf(text, []),
  "MariaDB: whether it goes in bulk": isPlain,
  "SQLite: the text": (text) =>
    [sqliteText.inserts, sqliteText.seemsReadOnly, sqliteText.outsideTransaction, sqliteText.repeatable].map(
      (read) => read(text),
    ),
  "PostgreSQL: its end": (text) => pgTransaction.endsTransaction("ROLLBACK", `rollback ${text}`),
  "MySQL: the text": (text) => [mysqlText.repeatable(text), mysqlText.ordinary(text), endsTransaction(text)],
  "traces: the text": (text) =>
    ["mysql", "postgresql"].map((system) =>
      queryText({ sql: text, parameterized: false, source: { database: { system } } } as Parameters<
        typeof queryText
      >[0]),
    ),
  "traces: the first word": traced,
  "the monitor: a message": redact,
  "Kysely: the verb": (sql) =>
    queryResult(
      { sql, query: { kind: "RawNode" } } as Parameters<typeof queryResult>[0],
      { rows: [], rowCount: 0, columns: [], lastInsertId: undefined, command: "" } as Parameters<
        typeof queryResult
      >[1],
    ),
  "a URL": (text) =>
    ["postgres", "mysql", "mariadb", "sqlite"].map((scheme) =>
      refusal(() => driverForUrl(`${scheme}:${text}`)),
    ),
  "an error, without params": (text) => redactParams(failure(text), undefined),
  "an error and its param": (text) => redactParams(failure(text), [text]),
  "an error and other params": (text) => redactParams(failure("invalid: 'a b c'"), [text, [text], { text }]),
};

describe("a megabyte of the worst", () => {
  test.each(Object.entries(READERS))("%s", (_name, read) => {
    for (const text of TEXTS) {
      const before = process.cpuUsage();
      read(text);
      const { user } = process.cpuUsage(before);
      // Some 10 ms here; anything quadratic takes minutes.
      expect(user / 1_000, JSON.stringify(text.slice(0, 20))).toBeLessThan(1_000);
    }
  });
});

function failure(message: string): DatabaseError {
  const detail = `Key ${message}`;
  return new DatabaseError(message, { sql: message, cause: Object.assign(new Error(message), { detail }) });
}

function refusal(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    return error;
  }
}
