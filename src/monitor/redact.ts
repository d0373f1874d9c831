import { InterfaceError, PoolTimeout } from "../errors/classes.js";

const LENGTH = 200;

/** Of an error of our own, which has a line for each holder of a connection. */
const OWN_LENGTH = 4_000;

/** Those of other languages too: a server that speaks German quotes so: »x«. */
const QUOTED = /(["'`“”„‘’‚«»‹›「」『』]).*(["'`“”„‘’‚«»‹›「」『』])/;
const UNCLOSED = /(["'`“”„‘’‚«»‹›「」『』]).*()/;

/**
 * What is shown of an error. The library's own words hold names and figures, never a value, and are shown whole; what a
 * database, a package or an application says is redacted.
 */
export function shownMessage(error: Error): string {
  if (!isOwn(error)) return redact(error.message);
  return error.message.length <= OWN_LENGTH ? error.message : `${error.message.slice(0, OWN_LENGTH - 1)}…`;
}

/** Its class and code are those of what the library found out by itself, and it does not repeat its cause. */
function isOwn(error: Error): boolean {
  if (!(error instanceof PoolTimeout || error instanceof InterfaceError) || error.code !== undefined)
    return false;
  const { cause } = error;
  return !(cause instanceof Error) || cause.message === "" || !error.message.includes(cause.message);
}

/**
 * An error's message without the values that databases quote in it, as in "Duplicate entry 'x' for key 'y'".
 * All between the first quote and the last goes, since a value may hold quotes itself. A value may hold line ends too,
 * and some drivers list the params below the first line: of a longer message all after the first quote goes.
 */
export function redact(message: string): string {
  const end = message.search(/[\r\n]/);
  const line = end < 0 ? message : message.slice(0, end);
  return line
    .replace(end < 0 ? QUOTED : UNCLOSED, (_, open: string, close: string) => `${open}…${close || open}`)
    .slice(0, LENGTH);
}
