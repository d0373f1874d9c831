/** The words of a statement, found in one pass over its text. */
import { isBlank, isDigit, isWord } from "../../../src/statement/characters.js";
import { commentEnd } from "../../../src/statement/sql-comments.js";

/**
 * Calls `visit` with each word in lower case, and whether a parenthesis follows it: then it may be a function. A word
 * behind a dot comes with the dot, a quoted name with its quotes. Strings and comments are passed over. False where it
 * cannot be sure what is a string: then the caller has heard some of the words only.
 */
export function eachWord(sql: string, visit: (word: string, opens: boolean) => void): boolean {
  const { length } = sql;
  let word = "";
  let dotted = false;
  let at = 0;
  const say = (opens: boolean) => {
    if (word !== "") visit(word, opens);
    word = "";
  };
  while (at < length) {
    const code = sql.charCodeAt(at);
    if (isBlank(code)) {
      at++;
    } else if (isWord(code)) {
      say(false);
      if (code === DOLLAR && !isDigit(sql.charCodeAt(at + 1))) return false;
      const start = at;
      while (at < length && isWord(sql.charCodeAt(at))) at++;
      word = `${dotted ? "." : ""}${sql.slice(start, at).toLowerCase()}`;
      dotted = false;
    } else if (code === QUOTE || code === DOUBLE_QUOTE) {
      const end = sql.indexOf(code === QUOTE ? "'" : '"', at + 1);
      // Whether a backslash escapes is a setting of the session's.
      if (end < 0 || (code === QUOTE && hasBackslash(sql, at, end))) return false;
      say(false);
      if (code === DOUBLE_QUOTE) word = `${dotted ? "." : ""}${sql.slice(at, end + 1)}`;
      dotted = false;
      at = end + 1;
    } else {
      const comment = code === DASH || code === SLASH ? commentEnd(sql, at, NESTED) : undefined;
      if (comment === undefined) {
        say(code === PARENTHESIS);
        dotted = code === DOT;
        at++;
      } else if (comment > length) return false;
      else at = comment;
    }
  }
  say(false);
  return true;
}

const NESTED = { nested: true };

const DOLLAR = 0x24;
const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const PARENTHESIS = 0x28;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;

function hasBackslash(sql: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (sql.charCodeAt(at) === BACKSLASH) return true;
  return false;
}
