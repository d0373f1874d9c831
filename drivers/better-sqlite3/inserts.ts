/** Which texts generate keys. */
import { firstWord } from "../blocking/texts.js";

const INTO = /\b(?:insert(?:\s+or\s+\w+)?|replace)\s+into\b/i;

/** Whether `last_insert_rowid()` is this text's own, and not left from an earlier one. */
export function inserts(sql: string): boolean {
  const word = firstWord(sql);
  return word === "insert" || word === "replace" || (word === "with" && INTO.test(sql));
}
