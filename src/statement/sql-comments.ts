/**
 * White space and comments of SQL, read in one pass: a pattern that tries again from each place would stop the event
 * loop at long texts.
 */

/** What is a comment, where databases differ. */
export interface CommentStyle {
  /**
   * `#` begins one too, `--` only where a blank follows, and a server executes what stands in `/*!` and `/*M!`: MySQL
   * and MariaDB.
   */
  readonly mysql?: boolean;
}

/**
 * Where the first character stands that is neither white space nor of a comment, nor one of `also`; the text's length
 * if there is none.
 */
export function skipBlanks(sql: string, from = 0, also = "", style: CommentStyle = {}): number {
  let at = from;
  for (;;) {
    while (at < sql.length && (isBlank(sql.charCodeAt(at)) || also.includes(sql[at]!))) at++;
    const end = commentEnd(sql, at, style);
    if (end === undefined) return at;
    at = end;
  }
}

/** The text with a blank in the place of each comment. Quotes are not looked at. */
export function withoutComments(sql: string, style: CommentStyle = {}): string {
  let text = "";
  let from = 0;
  for (let at = 0; at < sql.length; ) {
    const end = commentEnd(sql, at, style);
    if (end === undefined) at++;
    else {
      text += `${sql.slice(from, at)} `;
      from = at = end;
    }
  }
  return from === 0 ? sql : text + sql.slice(from);
}

/** The first word behind white space, comments and what is in `also`, in lower case; empty where there is none. */
export function firstWord(sql: string, also = "", style: CommentStyle = {}): string {
  const start = skipBlanks(sql, 0, also, style);
  let end = start;
  while (isLetter(sql.charCodeAt(end))) end++;
  return sql.slice(start, end).toLowerCase();
}

/**
 * Where the comment ends that begins here, if one does; what is never closed ends with the text. Read character by
 * character: with an `indexOf` in here the loops above were seen to take a quadratic time once they were optimized
 * (Node.js 20, a megabyte of blanks).
 */
function commentEnd(sql: string, at: number, { mysql = false }: CommentStyle): number | undefined {
  const code = sql.charCodeAt(at);
  const next = sql.charCodeAt(at + 1);
  if (code === DASH && next === DASH) {
    if (mysql && at + 2 < sql.length && !isBlank(sql.charCodeAt(at + 2))) return undefined;
    return lineEnd(sql, at);
  }
  if (code === HASH && mysql) return lineEnd(sql, at);
  if (code !== SLASH || next !== STAR) return undefined;
  const first = sql[at + 2];
  return mysql && (first === "!" || first === "M") ? undefined : closed(sql, at + 2);
}

const DASH = 45;
const HASH = 35;
const SLASH = 47;
const STAR = 42;
const NEWLINE = 10;

function lineEnd(sql: string, from: number): number {
  let at = from;
  while (at < sql.length && sql.charCodeAt(at) !== NEWLINE) at++;
  return at;
}

function closed(sql: string, from: number): number {
  let at = from;
  while (at < sql.length && !(sql.charCodeAt(at) === STAR && sql.charCodeAt(at + 1) === SLASH)) at++;
  return Math.min(at + 2, sql.length);
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}
