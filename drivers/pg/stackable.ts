/** Which statements may wait in one pipeline with others. */

const SELECT = /^\s*select\b/i;

/** Locks that outlast the statement's start, other sessions, and settings: behind or ahead of these nothing travels. */
const LASTING =
  /\bfor\s+(?:no\s+key\s+)?(?:update|share|key\s+share)\b|\binto\b|advisory|dblink|\blo_|set_config/i;

export function stackable(sql: string): boolean {
  return SELECT.test(sql) && !LASTING.test(sql);
}
