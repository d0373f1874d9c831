/** What a text calls, as far as its parentheses tell. */

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
  while (end > 0 && BLANK.test(sql[end - 1]!)) end--;
  const last = sql[end - 1];
  if (last === '"' || last === "`") return last;
  let start = end;
  while (start > 0 && NAME.test(sql[start - 1]!)) start--;
  return sql.slice(start, end);
}

const BLANK = /\s/;
const NAME = /[\w$.\u0080-\uffff]/;
