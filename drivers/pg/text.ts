/** What the text of a statement tells of it, decided narrowly. */
import { firstWord } from "../../src/statement/sql-comments.js";
import { callsOnly } from "../common/calls.js";

const SELECT = /^\s*select\b/i;

/** Locks that last, other sessions, large objects and settings: ahead of these or behind them nothing else travels. */
const LASTING =
  /\bfor\s+(?:no\s+key\s+update|update|key\s+share|share)\b|\binto\b|advisory|dblink|\blo_|set_config/i;

export function stackable(sql: string): boolean {
  return SELECT.test(sql) && !LASTING.test(sql);
}

/** A stackable select that calls nothing that could change anything. */
export function repeatable(sql: string): boolean {
  return stackable(sql) && callsOnly(sql, HARMLESS);
}

const HARMLESS = new Set(
  "all and any as avg between by case coalesce count else exists from greatest having ilike in join least like limit lower max min not nullif offset on or over select some sum then union upper using values when where".split(
    " ",
  ),
);

/**
 * Statements that leave nothing behind when they are ended early. Others, such as CALL, VACUUM and DO, may have
 * committed a part.
 */
const ALL_OR_NOTHING = new Set(
  "select insert update delete merge with values table explain declare fetch move lock truncate comment grant revoke refresh set show".split(
    " ",
  ),
);

/** The same of most, but for what works in several transactions, or outside of any. */
const DEFINING = new Set(["create", "alter", "drop"]);
const IN_STEPS = /\b(?:concurrently|database|tablespace|subscription|system)\b/i;

export function allOrNothing(sql: string): boolean {
  const word = firstWord(sql, "(");
  return ALL_OR_NOTHING.has(word) || (DEFINING.has(word) && !IN_STEPS.test(sql));
}
