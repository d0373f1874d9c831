const LENGTH = 200;

/** Those of other languages too: a server that speaks German quotes so: »x«. */
const QUOTED = /(["'`“”„‘’‚«»‹›「」『』]).*(["'`“”„‘’‚«»‹›「」『』])/;
const UNCLOSED = /(["'`“”„‘’‚«»‹›「」『』]).*()/;

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
