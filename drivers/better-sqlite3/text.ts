/** What the texts of SQLite do, as far as their words tell. */
import { firstWord, verbOf } from "../blocking/texts.js";

const INTO = /\b(?:insert(?:\s+or\s+\w+)?|replace)\s+into\b/i;

/** Whether `last_insert_rowid()` is this text's own, and not left from an earlier one. */
export function inserts(sql: string): boolean {
  const word = firstWord(sql);
  return word === "insert" || word === "replace" || (word === "with" && INTO.test(sql));
}

/** Plain reads and writes: SQLite's locks end with the statement, and its thread takes many of them at once. */
export function stackable(sql: string): boolean {
  return verbOf(sql) === "plain";
}

export function repeatable(sql: string): boolean {
  return firstWord(sql) === "select" && !sql.includes("(");
}

const OUTSIDE = new Set(["pragma", "vacuum", "attach", "detach"]);

/** `foreign_keys` is ignored inside of a transaction, `synchronous` and `vacuum` are refused. @see https://www.sqlite.org/pragma.html */
export function outsideTransaction(sql: string): boolean {
  return OUTSIDE.has(firstWord(sql));
}
