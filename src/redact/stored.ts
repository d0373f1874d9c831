/** What shows values although nobody gave them as params: lists of them that servers and packages write. */
import { REMOVED } from "./removed.js";

const PARAMETERS = " - parameters:[";

/** mariadb lists the params behind the statement. */
export function withoutListedParams(text: string): string {
  const at = text.indexOf(PARAMETERS);
  return at < 0 ? text : text.slice(0, at);
}

/**
 * A key or a row in PostgreSQL's `detail`, in whatever language: `Key (email)=(a@b.c) already exists.` keeps the names,
 * `Failing row contains (1, null, …).` none of its values.
 */
export function withoutListedValues(text: string): string {
  const key = text.indexOf("=(");
  const open = key < 0 ? text.indexOf("(") : key + 1;
  if (open < 0) return text;
  const close = text.lastIndexOf(")");
  return close < open
    ? `${text.slice(0, open)}(${REMOVED}`
    : `${text.slice(0, open)}(${REMOVED})${text.slice(close + 1)}`;
}

/** MySQL writes bytes of values that it cannot show as `\xC3`: all between those quotes is such a value. */
export function withoutEscapedBytes(text: string): string {
  if (!text.includes("\\x")) return text;
  return text.replace(QUOTED, (segment) =>
    ESCAPED_BYTE.test(segment) ? segment[0] + REMOVED + segment[0] : segment,
  );
}

const QUOTED = /"[^"]*"|'[^']*'/g;
const ESCAPED_BYTE = /\\x[0-9A-F]{2}/;
