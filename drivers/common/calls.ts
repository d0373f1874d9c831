/** What a text calls, as far as its parentheses tell. */
import { isBlank, isWord } from "../../src/statement/characters.js";

/** Whether nothing stands before a parenthesis but these words, in lower case. A quoted name is none of them. */
export function callsOnly(sql: string, harmless: ReadonlySet<string>): boolean {
  for (let at = sql.indexOf("("); at !== -1; at = sql.indexOf("(", at + 1)) {
    const name = nameBefore(sql, at);
    if (name !== "" && !harmless.has(name.toLowerCase())) return false;
  }
  return true;
}

/**
 * The name that this parenthesis follows, with blanks in between or not; read backwards, so that no part is read twice.
 */
function nameBefore(sql: string, parenthesis: number): string {
  let end = parenthesis;
  while (end > 0 && isBlank(sql.charCodeAt(end - 1))) end--;
  const last = sql[end - 1];
  if (last === '"' || last === "`") return last;
  let start = end;
  while (start > 0 && isNamed(sql.charCodeAt(start - 1))) start--;
  return sql.slice(start, end);
}

const DOT = 0x2e;

function isNamed(code: number): boolean {
  return isWord(code) || code === DOT;
}
