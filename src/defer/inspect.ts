/** Where `console.log` and `util.inspect` of Node.js look for what an object says of itself. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** What Node.js hands on to the values inside. */
export interface InspectOptions {
  readonly depth?: number | null;
}

/** `util.inspect`, as Node.js hands it in. */
export type Inspect = (value: unknown, options?: object) => string;

/** The longest that one line of it may be. */
const LENGTH = 60;

/** A text in one line: blanks run together, and a long one is cut. */
export function inOneLine(text: string): string {
  const line = text
    .slice(0, 4 * LENGTH)
    .replace(/\s+/g, " ")
    .trim();
  return line.length > LENGTH || text.length > 4 * LENGTH ? `${line.slice(0, LENGTH)}…` : line;
}

/**
 * Gives classes the names under which they are listed: a minifier renames classes, and no properties. The name of an
 * error tells what happened, also to who reads a log, and to the other side of a thread.
 */
export function literalNames(
  classes: Readonly<Record<string, abstract new (...args: never[]) => unknown>>,
): void {
  for (const [name, one] of Object.entries(classes)) Object.defineProperty(one, "name", { value: name });
}
