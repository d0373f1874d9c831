/** What of a statement's text may be recorded, as the semantic conventions ask for it. */
import type { StatementTrace } from "../diagnostics/channels.js";
import { firstWord as wordOf } from "../statement/sql-comments.js";

/**
 * A comment, a quoted text of any kind (names too, since MySQL quotes values so), or a number. What is a comment
 * differs: MySQL has `#`, which is an operator of PostgreSQL, and wants a blank behind `--`. A reader that takes the
 * one for the other is wrong about all quotes behind it.
 */
const MYSQL_LITERALS =
  /(--(?=\s|$)[^\n]*|#[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|'[^']*(?:'|$)|"[^"]*(?:"|$)|\$(\w*)\$[\s\S]*?(?:\$\2\$|$)|\b\d[\w.]*/g;
const LITERALS =
  /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|'[^']*(?:'|$)|"[^"]*(?:"|$)|\$(\w*)\$[\s\S]*?(?:\$\2\$|$)|\b\d[\w.]*/g;

/** Of a longer text the beginning is recorded: no backend shows more. */
const MOST_CHARACTERS = 10_000;

/**
 * The text as it is when values were given beside it; else without the values that stand in it, and without comments.
 * Undefined where it is not known in which dialect it is quoted.
 * @see https://opentelemetry.io/docs/specs/semconv/db/database-spans/#sanitization-of-dbquerytext
 */
export function queryText({ sql, parameterized, source }: StatementTrace): string | undefined {
  if (parameterized) return sql;
  // Whether a backslash hides the quote behind it is a setting of the server.
  if (sql.includes("\\")) return undefined;
  const text = sql.length > MOST_CHARACTERS ? `${sql.slice(0, MOST_CHARACTERS)}…` : sql;
  const { system } = source.database;
  const literals = system === "mysql" || system === "mariadb" ? MYSQL_LITERALS : LITERALS;
  let nested = false;
  const shown = text.replace(literals, (_, comment?: string) => {
    // PostgreSQL has comments in comments, and goes on behind the end of the inner one.
    nested ||= comment?.startsWith("/*") === true && comment.includes("/*", 2);
    return comment === undefined ? "?" : "";
  });
  return nested ? undefined : shown;
}

/** The first word, in capitals: all that can be said without parsing the text. */
export function firstWord(sql: string): string | undefined {
  return wordOf(sql, "(").toUpperCase() || undefined;
}
