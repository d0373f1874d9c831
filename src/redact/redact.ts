/**
 * The one place that hides values. Params never show in an error: not in messages, stacks, causes, `util.inspect` or
 * JSON. Servers quote values in their messages, cut and escaped in their own ways, and packages hang them on their
 * errors.
 */
import { restOf, shortened, shownLength } from "./shown.js";
import { withoutEscapedBytes, withoutListedParams, withoutListedValues } from "./stored.js";
import { eachText } from "./texts.js";
import { Words } from "./words.js";

/**
 * Properties of packages' errors that carry values: kept for those who ask for them by name, and not shown otherwise.
 */
const VALUE_BEARING = [
  "detail",
  "where",
  "internalQuery",
  "hint",
  "sqlMessage",
  "text",
  "parameters",
  "values",
] as const;

/** Properties of packages' errors that name things of the schema, which the message may go on naming. */
const NAMING = ["schema", "table", "column", "constraint", "dataType", "routine"] as const;

/** Where PostgreSQL's RAISE made the error: what names things then are texts of a function, and may be params. */
const RAISED = "exec_stmt_raise";
const RAISED_BEARING = [...VALUE_BEARING, "schema", "table", "column", "constraint", "dataType"] as const;

/** Causes and errors of lists that are looked at. */
const MOST_LINKS = 32;

type Link = Error & Record<string, unknown>;

/**
 * Removes the values of a statement's params, or of a list of them, from its error and from the errors that led to it,
 * in place. Without params it still hides what shows stored values, and shortens what is too long to be read. Takes a
 * time that grows with the lengths of message and params. Never throws.
 */
export function redactParams(error: unknown, params: unknown): void {
  try {
    const chain = chainOf(error);
    for (const link of chain) hideListed(link);
    const shownOf = shownOnce();
    const words = wordsOf(chain, params, shownOf);
    if (words === undefined) for (const link of chain) rewriteMessage(link, shortened);
    else for (const link of chain) rewrite(link, (text) => words.clean(shownOf(text)) + restOf(text));
  } catch {
    // A hostile error (a Proxy, a frozen one): the error itself is still the better news.
  }
}

/**
 * For drivers, which see errors that no statement has: what carries values in their package's error stays readable by
 * name, and is not shown to a caller that does not ask. `clean` takes values out of the message where their server
 * quotes them. Never throws.
 */
export function hideValues(error: unknown, clean?: (message: string) => string): void {
  if (!(error instanceof Error)) return;
  const link = error as Link;
  try {
    for (const name of bearingOf(link)) if (Object.hasOwn(link, name)) hide(link, name, link[name]);
    if (clean !== undefined) rewriteMessage(link, clean);
  } catch {
    // A frozen error stays as it is.
  }
}

/** The error, its causes, and the errors of an AggregateError; each once. */
function chainOf(error: unknown): readonly Link[] {
  const chain = new Set<Link>();
  const queue = [error];
  while (queue.length > 0 && chain.size < MOST_LINKS) {
    const next = queue.shift();
    if (!(next instanceof Error) || chain.has(next as Link)) continue;
    chain.add(next as Link);
    queue.push(next.cause, ...((next as { errors?: unknown[] }).errors ?? []).slice(0, MOST_LINKS));
  }
  return [...chain];
}

/** What packages list or hang on an error is out of sight, whatever the params were. */
function hideListed(link: Link): void {
  rewriteMessage(link, withoutListedParams);
  for (const name of bearingOf(link)) {
    if (!Object.hasOwn(link, name)) continue;
    const value = link[name];
    if (typeof value !== "string") hide(link, name, undefined);
    else hide(link, name, name === "detail" ? withoutListedValues(value) : value);
  }
  if (typeof link.sql === "string" && link.sql.includes(" - parameters:["))
    link.sql = withoutListedParams(link.sql);
}

/** The words of the chain, those of the params marked; undefined where there are no params, so nothing to mark. */
function wordsOf(
  chain: readonly Link[],
  params: unknown,
  shownOf: (text: string) => string,
): Words | undefined {
  let words: Words | undefined;
  eachText(params, (text) => {
    words ??= new Words(chain.flatMap(textsOf).map(shownOf));
    words.addSecret(text);
    return !words.full;
  });
  if (words !== undefined)
    for (const link of chain) for (const name of namingOf(link)) words.addNames(String(link[name] ?? ""));
  return words;
}

/** All that `rewrite` changes. */
function textsOf(link: Link): readonly string[] {
  const { message, stack } = link;
  const hung = bearingOf(link)
    .map((name) => link[name])
    .filter((value) => typeof value === "string");
  const apart = stack === undefined || placeOf(message, stack) >= 0 ? [] : [stack];
  return [message, ...apart, ...hung];
}

/** What is shown of a text. Mostly the links of a chain have one message: it is read once, however long it is. */
function shownOnce(): (text: string) => string {
  let read: string | undefined;
  let shown = "";
  return (text) => {
    if (text !== read) {
      shown = withoutEscapedBytes(text, shownLength(text));
      read = text;
    }
    return shown;
  };
}

function rewrite(link: Link, clean: (text: string) => string): void {
  rewriteMessage(link, clean);
  for (const name of bearingOf(link)) {
    const value = link[name];
    if (typeof value === "string") hide(link, name, clean(value));
  }
}

function bearingOf(link: Link): readonly string[] {
  return link.routine === RAISED ? RAISED_BEARING : VALUE_BEARING;
}

function namingOf(link: Link): readonly string[] {
  return link.routine === RAISED ? ["sql"] : ["sql", ...NAMING];
}

function rewriteMessage(link: Link, clean: (text: string) => string): void {
  const { message, stack } = link;
  const cleaned = clean(message);
  if (cleaned === message) return;
  link.message = cleaned;
  if (stack === undefined) return;
  const at = placeOf(message, stack);
  if (at < 0) link.stack = clean(stack);
  else {
    const rest = stack.slice(at + message.length).replaceAll(message, () => cleaned);
    link.stack = stack.slice(0, at) + cleaned + rest;
  }
}

/** Where the message stands in the stack, which mostly begins with it; -1 where it does not. */
function placeOf(message: string, stack: string): number {
  const at = stack.indexOf(message.slice(0, TELLING));
  // Not startsWith: that compares letter by letter, which takes several times as long.
  const isThere = at < 0 || stack.slice(at, at + message.length) === message;
  return isThere ? at : stack.indexOf(message, at + 1);
}

/** A beginning of this length is found fast, and comparing the rest is faster than searching for it. */
const TELLING = 100;

function hide(link: Link, name: string, value: unknown): void {
  Object.defineProperty(link, name, { value, enumerable: false, configurable: true, writable: true });
}
