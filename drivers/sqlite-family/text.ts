/** What the texts of SQLite do, as far as their words tell. */
import type { Tokens } from "../blocking/tokens.js";
import { firstToken, firstWord, verbOf, wordAt } from "../blocking/verbs.js";
import { pragmaOf } from "./pragmas.js";

/** Whether `last_insert_rowid()` is then that of this text, and not of an earlier one. */
export function inserts(sql: string): boolean {
  const verb = mainVerb(sql);
  return verb === "insert" || verb === "replace";
}

/** Plain reads and writes: SQLite's locks end with the statement, and its thread takes many of them at once. */
export function stackable(sql: string): boolean {
  return verbOf(sql) === "plain";
}

export function repeatable(sql: string): boolean {
  return firstWord(sql) === "select" && !sql.includes("(");
}

const READS = new Set(["select", "values", "explain", "pragma"]);

/** Only a guess: SQLite itself says of the prepared text whether it may write. */
export function seemsReadOnly(sql: string): boolean {
  return READS.has(mainVerb(sql));
}

const OUTSIDE = new Set(["vacuum", "attach", "detach"]);

/** These are undone with the transaction, or end with it. */
const WITHIN = new Set([
  "application_id",
  "defer_foreign_keys",
  "incremental_vacuum",
  "schema_version",
  "user_version",
]);

/**
 * `foreign_keys` is ignored inside of a transaction, `synchronous` and `vacuum` are refused. @see
 * https://www.sqlite.org/pragma.html
 */
export function outsideTransaction(sql: string): boolean {
  const word = firstWord(sql);
  if (word !== "pragma") return OUTSIDE.has(word);
  return !WITHIN.has(pragmaOf(sql)?.name ?? "");
}

const VERBS = new Set(["select", "values", "insert", "update", "delete"]);

/** The first word, or that of the statement behind a WITH. */
function mainVerb(sql: string): string {
  const tokens = firstToken(sql);
  const first = wordAt(tokens);
  return first === "with" ? verbBehind(tokens) : first;
}

function verbBehind(tokens: Tokens): string {
  let depth = 0;
  for (let kind = tokens.next(); kind !== "end"; kind = tokens.next()) {
    if (kind === "mark") {
      if (tokens.is("(")) depth++;
      else if (tokens.is(")")) depth--;
    } else if (depth === 0 && kind === "word" && tokens.end - tokens.start <= LONGEST_VERB) {
      const word = tokens.name;
      if (VERBS.has(word)) return word;
      // It may also be the name of a table of the WITH.
      if (word === "replace" && tokens.next() === "word" && tokens.name === "into") return word;
    }
  }
  return "";
}

const LONGEST_VERB = 7;
