/** What is known of a statement by its text. */
import { firstWord } from "../../src/statement/sql-comments.js";
import { callsOnly } from "../common/calls.js";

const LASTING =
  /;|\b(?:for\s+update|for\s+share|lock\s+in|into|get_lock|release_\w+|sleep|benchmark|wait\w*|nextval|next\s+value|procedure)\b/i;

/** A plain SELECT: no locks that outlast it, no writing, no sleeping, nothing that talks to other sessions. */
export function stackable(sql: string): boolean {
  return /^\s*select\b/i.test(sql) && !LASTING.test(sql);
}

const HARMLESS = new Set(
  "in exists and or not where on from join select as by having count sum min max avg coalesce".split(" "),
);
const VARIABLE_OR_COMMENT = /@|\/\*|--|#/;

/**
 * A stackable text that neither calls what might write nor assigns: run twice it is as if run once. A comment could
 * hide a call.
 */
export function repeatable(sql: string): boolean {
  return stackable(sql) && callsOnly(sql, HARMLESS) && !VARIABLE_OR_COMMENT.test(sql);
}

/** Comments may stand before it, but for those that a server executes. */
const ORDINARY = new Set(
  "select insert update delete replace show desc describe explain with values table".split(" "),
);

/**
 * Whether a text can neither begin nor end a transaction, but for the one that autocommit makes of it. Others can, and
 * an answer of rows or an error does not always tell: CALL, ANALYZE TABLE (it commits), BEGIN NOT ATOMIC, EXECUTE
 * IMMEDIATE.
 */
export function ordinary(sql: string): boolean {
  return ORDINARY.has(firstWord(sql, "(", { mysql: true })) && !sql.includes(";");
}

const SESSION_VALUES =
  /@|\b(?:last_insert_id|row_count|found_rows|get_lock|release_lock|release_all_locks)\b/i;

/**
 * Whether a text may read or change what no savepoint puts back, and the library's own statements between two lists may
 * move: variables, the last key, counts, locks.
 */
export function usesSessionValues(sql: string): boolean {
  return SESSION_VALUES.test(sql);
}
