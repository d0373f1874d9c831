/** Reads a text of SQL piece by piece, as SQLite's tokenizer does, in a time that is linear in what it reads. */

/**
 * - `"word"`: a keyword, a bare name, or the digits of a number;
 * - `"quoted"`: a string, or a name between any of SQLite's quotes;
 * - `"variable"`: where a param goes;
 * - `"mark"`: any other character;
 * - `"end"`: there is no more.
 */
export type Kind = "word" | "quoted" | "variable" | "mark" | "end";

/** @see https://github.com/sqlite/sqlite/blob/master/src/tokenize.c */
export class Tokens {
  readonly #sql: string;
  /** The code of the piece's first character. */
  #first = 0;
  kind: Kind = "end";
  /** Of the piece that `next` has read. */
  start = 0;
  end = 0;

  constructor(sql: string) {
    this.#sql = sql;
  }

  /** Moves to the next piece that is neither blank nor comment. */
  next(): Kind {
    const at = skipBlanks(this.#sql, this.end);
    this.start = at;
    if (at === this.#sql.length) {
      this.end = at;
      this.kind = "end";
    } else {
      this.#first = this.#sql.charCodeAt(at);
      this.#read(this.#first);
    }
    return this.kind;
  }

  get text(): string {
    return this.#sql.slice(this.start, this.end);
  }

  /** In lower case; of a name in quotes, what they hold. */
  get name(): string {
    const bare = this.kind === "quoted" ? unquoted(this.text) : this.text;
    return bare.toLowerCase();
  }

  is(mark: string): boolean {
    return this.kind === "mark" && this.#first === mark.charCodeAt(0);
  }

  #read(first: number): void {
    if (isNameCharacter(first) && first !== DOLLAR) {
      this.kind = "word";
      this.end = this.#afterName(this.start + 1);
      return;
    }
    const closing = closingOf(first);
    if (closing !== undefined) {
      this.kind = "quoted";
      this.end = this.#afterQuoted(closing);
    } else if (first === QUESTION) {
      this.kind = "variable";
      this.end = this.start + 1;
      while (isDigit(this.#sql.charCodeAt(this.end))) this.end++;
    } else if (first === DOLLAR || first === AT || first === COLON || first === HASH) {
      this.end = this.#afterVariable();
      this.kind = this.end > this.start + 1 ? "variable" : "mark";
    } else {
      this.kind = "mark";
      this.end = this.start + 1;
    }
  }

  #afterName(at: number): number {
    let end = at;
    while (isNameCharacter(this.#sql.charCodeAt(end))) end++;
    return end;
  }

  /** What is not closed reaches to the end: SQLite refuses it. */
  #afterQuoted(closing: string): number {
    const sql = this.#sql;
    for (let from = this.start + 1; ; ) {
      const found = sql.indexOf(closing, from);
      if (found < 0) return sql.length;
      // A quote within is written twice; a bracket cannot be.
      if (closing === "]" || sql[found + 1] !== closing) return found + 1;
      from = found + 2;
    }
  }

  /** Names of TCL may have `::` within and an index in brackets behind. */
  #afterVariable(): number {
    const sql = this.#sql;
    let end = this.start + 1;
    for (;;) {
      const named = this.#afterName(end);
      if (named > end) end = named;
      else if (sql.charCodeAt(end) === COLON && sql.charCodeAt(end + 1) === COLON) end += 2;
      else break;
    }
    if (sql[end] !== "(" || end === this.start + 1) return end;
    end++;
    while (end < sql.length && sql[end] !== ")" && !isBlank(sql.charCodeAt(end))) end++;
    return sql[end] === ")" ? end + 1 : end;
  }
}

/** Where the first piece is, from `at` on, that is neither blank nor comment. */
export function skipBlanks(sql: string, at: number): number {
  for (let now = at; ; ) {
    const code = sql.charCodeAt(now);
    if (isBlank(code)) now++;
    else if (code === DASH && sql.charCodeAt(now + 1) === DASH) now = past(sql, "\n", now + 2);
    else if (code === SLASH && sql.charCodeAt(now + 1) === STAR) now = past(sql, "*/", now + 2);
    else return now;
  }
}

function past(sql: string, what: string, from: number): number {
  const found = sql.indexOf(what, from);
  return found < 0 ? sql.length : found + what.length;
}

function unquoted(text: string): string {
  const [quote] = text;
  const within = text.slice(1, -1);
  return quote === "[" ? within : within.replaceAll(quote! + quote!, quote!);
}

const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const QUESTION = 0x3f;
const DOLLAR = 0x24;
const AT = 0x40;
const COLON = 0x3a;
const HASH = 0x23;

/** What ends a piece that begins with this. */
function closingOf(code: number): string | undefined {
  switch (code) {
    case 0x27:
      return "'";
    case 0x22:
      return '"';
    case 0x60:
      return "`";
    case 0x5b:
      return "]";
    default:
      return undefined;
  }
}

/** NaN, behind the end, is none of these. */
function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xfeff;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isNameCharacter(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    isDigit(code) ||
    code === 0x5f ||
    code === DOLLAR ||
    (code >= 0x80 && code !== 0xfeff)
  );
}
