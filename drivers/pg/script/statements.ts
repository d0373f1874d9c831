/** Where the statements of a text are, as PostgreSQL's own parser and psql divide it. */
import { isBlank, isLetter, isWord } from "../../../src/statement/characters.js";
import { commentEnd } from "../../../src/statement/sql-comments.js";

/** The index at which each statement begins; empty ones do not count. */
export function* statementStarts(sql: string): Generator<number, void> {
  const body = new AtomicBody();
  let fresh = true;
  let depth = 0;
  for (let at = 0; at < sql.length; ) {
    const code = sql.charCodeAt(at);
    const comment = isBlank(code) ? at + 1 : commentEnd(sql, at, { nested: true });
    if (comment !== undefined) {
      at = comment;
      continue;
    }
    if (code === SEMICOLON && depth <= 0 && !body.open) {
      fresh = true;
      at++;
      continue;
    }
    if (fresh) {
      yield at;
      fresh = false;
      depth = 0;
      body.forget();
    }
    if (code === OPENING) depth++;
    else if (code === CLOSING) depth--;
    const end = pieceEnd(sql, at);
    if (isLetter(code)) body.read(sql.slice(at, Math.min(end, at + LONGEST)).toLowerCase());
    at = end;
  }
}

/** Which statement, counted from 1, holds this index. */
export function statementAt(sql: string, index: number): number {
  let number = 0;
  for (const start of statementStarts(sql)) {
    if (start > index) break;
    number++;
  }
  return Math.max(number, 1);
}

export function severalStatements(sql: string): boolean {
  if (!sql.includes(";")) return false;
  const starts = statementStarts(sql);
  starts.next();
  return starts.next().done !== true;
}

/** The body of a function in SQL's own form (`BEGIN ATOMIC … END`), whose semicolons end nothing else. */
class AtomicBody {
  #words: string[] = [];
  #depth = 0;

  get open(): boolean {
    return this.#depth > 0;
  }

  forget(): void {
    this.#words = [];
    this.#depth = 0;
  }

  read(word: string): void {
    if (this.#words.length < FIRST_WORDS) this.#words.push(word);
    if (this.#words[0] !== "create" || !this.#words.some((each) => ROUTINES.has(each))) return;
    if (word === "begin" || (word === "case" && this.open)) this.#depth++;
    else if (word === "end" && this.open) this.#depth--;
  }
}

/** `create or replace function` */
const FIRST_WORDS = 4;
const ROUTINES = new Set(["function", "procedure"]);
/** No word that counts is longer. */
const LONGEST = 12;

/** Where the word, the quoted text or the single character ends that begins here. */
function pieceEnd(sql: string, at: number): number {
  const code = sql.charCodeAt(at);
  if (code === QUOTE) return quotedEnd(sql, at, QUOTE, false);
  if (code === DOUBLE_QUOTE) return quotedEnd(sql, at, DOUBLE_QUOTE, false);
  if (code === DOLLAR) return dollarEnd(sql, at);
  if (!isWord(code)) return at + 1;
  let end = at + 1;
  while (isWord(sql.charCodeAt(end))) end++;
  const escapes = end === at + 1 && (code | 0x20) === SMALL_E && sql.charCodeAt(end) === QUOTE;
  return escapes ? quotedEnd(sql, end, QUOTE, true) : end;
}

/** What is not closed reaches to the end. A quote that is written twice ends nothing: the next begins at once. */
function quotedEnd(sql: string, from: number, quote: number, escapes: boolean): number {
  for (let at = from + 1; at < sql.length; at++) {
    const code = sql.charCodeAt(at);
    if (code === quote) return at + 1;
    if (escapes && code === BACKSLASH) at++;
  }
  return sql.length;
}

const TAG = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/iy;

function dollarEnd(sql: string, at: number): number {
  TAG.lastIndex = at;
  const [tag] = TAG.exec(sql) ?? [];
  if (tag === undefined) return at + 1;
  const end = sql.indexOf(tag, at + tag.length);
  return end < 0 ? sql.length : end + tag.length;
}

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const BACKSLASH = 0x5c;
const OPENING = 0x28;
const CLOSING = 0x29;
const SEMICOLON = 0x3b;
const SMALL_E = 0x65;
