/** What the text of a statement tells of it, decided narrowly. */
import { callsOnly } from "../calls.js";

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

/** Statements that leave nothing behind when they are ended early. Others, such as CALL, may have committed a part. */
const ALL_OR_NOTHING = /^\s*(?:select|insert|update|delete|merge|with|values|table|explain)\b/i;

export function allOrNothing(sql: string): boolean {
  return ALL_OR_NOTHING.test(sql);
}
