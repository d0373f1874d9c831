/** A plain statement, cut into words and marks. */

export interface Token {
  readonly kind: "word" | "quoted" | "mark";
  /** Words in lower case; of what is quoted nothing. */
  readonly text: string;
  /** Where it stands in the SQL. */
  readonly from: number;
  to: number;
}

/** What is longer is no plain form, and reading it would hold the event loop. */
const LONGEST = 65_536;

const WORD = /[\w$\u0080-\uffff]/;

/** Undefined where quotes, comments or signs leave a doubt of what is what. */
export function tokensOf(sql: string): readonly Token[] | undefined {
  if (sql.length > LONGEST) return undefined;
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    const char = sql[at]!;
    let to = at + 1;
    if (char === "'" || char === '"' || char === "`") {
      to = sql.indexOf(char, at + 1) + 1;
      if (to === 0 || sql.slice(at, to).includes("\\")) return undefined;
      // A doubled quote is one inside.
      if (sql[at - 1] === char) tokens.at(-1)!.to = to;
      else tokens.push({ kind: "quoted", text: "", from: at, to });
    } else if (WORD.test(char)) {
      while (to < sql.length && WORD.test(sql[to]!)) to++;
      tokens.push({ kind: "word", text: sql.slice(at, to).toLowerCase(), from: at, to });
    } else if (!/\s/.test(char)) {
      if ("#;@:\\{".includes(char) || sql.startsWith("--", at) || sql.startsWith("/*", at)) return undefined;
      tokens.push({ kind: "mark", text: char, from: at, to });
    }
    at = to;
  }
  return tokens;
}

const MODIFIERS = new Set(["ignore", "low_priority", "high_priority", "quick"]);

/** Behind the verb and what may stand between it and a name. */
export function afterVerb(tokens: readonly Token[]): number {
  let at = 1;
  while (MODIFIERS.has(tokens[at]?.text ?? "")) at++;
  return at;
}

/** The place behind what is not there. */
export const NO = Number.POSITIVE_INFINITY;

/** Behind `t` or `d.t`. */
export function afterName(tokens: readonly Token[], from: number): number {
  for (let at = from; isName(tokens[at]); at += 2) {
    if (tokens[at + 1]?.text !== ".") return at + 1;
  }
  return NO;
}

export function isName(token: Token | undefined): boolean {
  return token !== undefined && token.kind !== "mark";
}
