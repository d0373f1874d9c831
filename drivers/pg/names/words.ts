/** The words of a statement, found in one pass over its text. */

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
    if (isSpace(code)) {
      at++;
    } else if (isWord(code)) {
      say(false);
      if (code === DOLLAR && !isDigit(sql.charCodeAt(at + 1))) return false;
      const start = at;
      while (at < length && isWord(sql.charCodeAt(at))) at++;
      word = `${dotted ? "." : ""}${sql.slice(start, at).toLowerCase()}`;
      dotted = false;
    } else if (code === DASH && sql.charCodeAt(at + 1) === DASH) {
      const end = sql.indexOf("\n", at);
      at = end < 0 ? length : end + 1;
    } else if (code === SLASH && sql.charCodeAt(at + 1) === STAR) {
      at = afterComment(sql, at);
      if (at < 0) return false;
    } else if (code === QUOTE || code === DOUBLE_QUOTE) {
      const end = sql.indexOf(code === QUOTE ? "'" : '"', at + 1);
      // Whether a backslash escapes is a setting of the session's.
      if (end < 0 || (code === QUOTE && hasBackslash(sql, at, end))) return false;
      say(false);
      if (code === DOUBLE_QUOTE) word = `${dotted ? "." : ""}${sql.slice(at, end + 1)}`;
      dotted = false;
      at = end + 1;
    } else {
      say(code === PARENTHESIS);
      dotted = code === DOT;
      at++;
    }
  }
  say(false);
  return true;
}

const DOLLAR = 0x24;
const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const PARENTHESIS = 0x28;
const STAR = 0x2a;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** As in PostgreSQL's scanner: whatever is not ASCII is a letter. */
function isWord(code: number): boolean {
  const lower = code | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) || isDigit(code) || code === 0x5f || code === DOLLAR || code >= 0x80
  );
}

/** Comments nest. */
function afterComment(sql: string, from: number): number {
  let depth = 1;
  for (let at = from + 2; at < sql.length; at++) {
    const code = sql.charCodeAt(at);
    const next = sql.charCodeAt(at + 1);
    if (code === STAR && next === SLASH) {
      at++;
      if (--depth === 0) return at + 1;
    } else if (code === SLASH && next === STAR) {
      at++;
      depth++;
    }
  }
  return -1;
}

function hasBackslash(sql: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (sql.charCodeAt(at) === BACKSLASH) return true;
  return false;
}
