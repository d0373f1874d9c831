/** Takes the values out of the servers' messages: they were params. */
import type { ServerError } from "./server-error.js";

const VALUE =
  /(entry|value|value:|argument|string|text) (?:'.*'(?= for (?:key|column|function) )|'.*'(?=[^']*$))/s;

/**
 * What quotes a value, by number: servers speak many languages. Behind the value of the first ones the key is quoted.
 */
const QUOTING_KEYS = new Set([1062, 1586]);
const QUOTING = new Set([...QUOTING_KEYS, 1292, 1300, 1366, 1367, 1411, 1525]);

/** mariadb's message goes on with the statement. */
export function withoutValuesOf({ sqlMessage, errno }: ServerError, message: string): string {
  const number = Number(errno);
  return typeof sqlMessage === "string" && message.includes(sqlMessage)
    ? message.replace(sqlMessage, () => withoutValues(sqlMessage, number))
    : withoutValues(message, number);
}

/** "Duplicate entry 'secret' for key 'email'" without the value, which was a param. */
export function withoutValues(message: string, number: number): string {
  const english = message.replace(VALUE, "$1 '…'");
  if (english !== message || !QUOTING.has(number)) return english;
  const first = message.indexOf("'");
  let last = message.lastIndexOf("'");
  if (QUOTING_KEYS.has(number)) last = message.lastIndexOf("'", message.lastIndexOf("'", last - 1) - 1);
  return last > first ? `${message.slice(0, first)}'…'${message.slice(last + 1)}` : message;
}
