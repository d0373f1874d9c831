/**
 * White space and comments of SQL, read in one pass: a pattern that tries again from each place would stop the event
 * loop at long texts.
 */

import { isBlank, isLetter } from "./characters.js";

/** What is a comment, where databases differ. */
export interface CommentStyle {
  /** A comment within a comment has an end of its own: PostgreSQL. */
  readonly nested?: boolean;
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
    if (end === undefined) return Math.min(at, sql.length);
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
 * Where the comment ends that begins here, if one does: past the text's end where it is never closed. Read character by
 * character: with an `indexOf` in here the loops above were seen to take a quadratic time once they were optimized
 * (Node.js 20, a megabyte of blanks).
 */
export function commentEnd(sql: string, at: number, style: CommentStyle): number | undefined {
  const code = sql.charCodeAt(at);
  if (code !== DASH && code !== SLASH && code !== HASH) return undefined;
  if (code === HASH) return style.mysql ? lineEnd(sql, at) : undefined;
  const next = sql.charCodeAt(at + 1);
  if (code === DASH) {
    if (next !== DASH) return undefined;
    const blank = at + 2 >= sql.length || isBlank(sql.charCodeAt(at + 2));
    return style.mysql && !blank ? undefined : lineEnd(sql, at);
  }
  if (next !== STAR) return undefined;
  const first = sql[at + 2];
  const executed = style.mysql && (first === "!" || first === "M");
  return executed ? undefined : closed(sql, at + 2, style.nested === true);
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

function closed(sql: string, from: number, nested: boolean): number {
  let depth = 1;
  for (let at = from; at < sql.length; at++) {
    const code = sql.charCodeAt(at);
    if (code === STAR && sql.charCodeAt(at + 1) === SLASH) {
      at++;
      if (--depth === 0) return at + 1;
    } else if (nested && code === SLASH && sql.charCodeAt(at + 1) === STAR) {
      at++;
      depth++;
    }
  }
  return sql.length + 1;
}
