/** Where the statements of a text are, as SQLite's own `sqlite3_complete` and its shell divide it. */
import { Tokens } from "../blocking/tokens.js";

/**
 * - `statement`: a semicolon ends it;
 * - `trigger`: of a CREATE TRIGGER, whose semicolons end statements within;
 * - `semicolon`: behind one of those;
 * - `end`: behind its END, which a semicolon makes the last.
 */
type State = "statement" | "trigger" | "semicolon" | "end";

/**
 * From the first piece of each statement to its semicolon; empty statements do not count.
 * @see https://www.sqlite.org/c3ref/complete.html
 */
export function* statementsOf(sql: string): Generator<readonly [start: number, end: number], void> {
  const tokens = new Tokens(sql);
  let start = -1;
  let words: string[] = [];
  let state: State = "statement";
  while (tokens.next() !== "end") {
    const semicolon = tokens.is(";");
    if (start < 0) {
      if (semicolon) continue;
      start = tokens.start;
      words = [];
      state = "statement";
    }
    if (semicolon && (state === "statement" || state === "end")) {
      yield [start, tokens.end];
      start = -1;
    } else if (state === "statement") {
      if (tokens.kind === "word" && words.length < FIRST_WORDS) {
        words.push(tokens.end - tokens.start < LONGEST ? tokens.name : "");
        if (createsTrigger(words)) state = "trigger";
      } else words.length = FIRST_WORDS;
    } else if (semicolon) state = "semicolon";
    else
      state =
        state === "semicolon" && tokens.kind === "word" && tokens.text.toLowerCase() === "end"
          ? "end"
          : "trigger";
  }
  if (start >= 0) yield [start, sql.length];
}

export function severalStatements(sql: string): boolean {
  if (!sql.includes(";")) return false;
  const statements = statementsOf(sql);
  statements.next();
  return statements.next().done !== true;
}

/** `explain query plan create temporary trigger` */
const FIRST_WORDS = 6;
const LONGEST = 12;
const BEFORE = new Set(["explain", "query", "plan", "temp", "temporary"]);

function createsTrigger(words: readonly string[]): boolean {
  const [created, what, ...more] = words.filter((word) => !BEFORE.has(word));
  return created === "create" && what === "trigger" && more.length === 0;
}
