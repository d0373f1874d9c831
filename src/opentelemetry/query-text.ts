/** What of a statement's text may be recorded, as the semantic conventions ask for it. */
import type { StatementTrace } from "../diagnostics.js";
import { firstWord as wordOf } from "../sql-comments.js";

/** A quoted text of any kind (names too, since MySQL quotes values so), a number, or a comment. */
const LITERALS =
  /(--[^\n]*|#[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|'[^']*(?:'|$)|"[^"]*(?:"|$)|\$(\w*)\$[\s\S]*?(?:\$\2\$|$)|\b\d[\w.]*/g;

/** Of a longer text the beginning is recorded: no backend shows more. */
const MOST_CHARACTERS = 10_000;

/**
 * The text as it is when values were given beside it; else without the values that stand in it, and without comments. Undefined where nobody can
 * tell in which dialect it is quoted.
 * @see https://opentelemetry.io/docs/specs/semconv/db/database-spans/#sanitization-of-dbquerytext
 */
export function queryText({ sql, parameterized }: StatementTrace): string | undefined {
  if (parameterized) return sql;
  // Whether a backslash hides the quote behind it is a setting of the server.
  if (sql.includes("\\")) return undefined;
  const text = sql.length > MOST_CHARACTERS ? `${sql.slice(0, MOST_CHARACTERS)}…` : sql;
  return text.replace(LITERALS, (_, comment?: string) => (comment === undefined ? "?" : ""));
}

/** The first word, in capitals: all that can be said without parsing the text. */
export function firstWord(sql: string): string | undefined {
  return wordOf(sql, "(").toUpperCase() || undefined;
}
