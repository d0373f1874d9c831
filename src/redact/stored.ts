/** What shows values although no caller gave them as params: lists of them that servers and packages write. */
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

/**
 * The text up to `limit`. MySQL writes bytes of values that it cannot show as `\xC3`: all between those quotes is such
 * a value, also where its end is behind the limit.
 */
export function withoutEscapedBytes(text: string, limit: number): string {
  const unclosed = new Set<string>();
  let clean = "";
  let from = 0;
  for (let at = 0; at < limit; at++) {
    const quote = text[at]!;
    if ((quote !== '"' && quote !== "'") || unclosed.has(quote)) continue;
    const end = text.indexOf(quote, at + 1);
    if (end < 0) {
      // What is not found now is not looked for again: the time stays linear.
      unclosed.add(quote);
      continue;
    }
    if (ESCAPED_BYTE.test(text.slice(at, end))) {
      clean += text.slice(from, at) + quote + REMOVED + quote;
      from = end + 1;
    }
    at = end;
  }
  return clean + text.slice(from, limit);
}

/** No plain search for the first two characters: that is slow where the first of them stands everywhere. */
const ESCAPED_BYTE = /\\x[0-9A-F]{2}/;
