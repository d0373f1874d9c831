import type { Paramstyle } from "../../drivers/driver.js";
import { type AdbapiError, ProgrammingError } from "./classes.js";
import { reword } from "./details.js";

/** How each style marks params, and how it is recognized. A text may hold one in a string: only a hint rests on it. */
const STYLES: readonly { readonly style: Paramstyle; readonly marks: string; readonly seen: RegExp }[] = [
  { style: "qmark", marks: "?", seen: /\?/ },
  { style: "numeric", marks: "$1, $2, …", seen: /\$\d/ },
  { style: "named", marks: ":name", seen: /(?<![:\w]):[a-z_]/i },
  { style: "pyformat", marks: "%(name)s", seen: /%\(\w/ },
  { style: "format", marks: "%s", seen: /%s/ },
];

/** Of longer texts only this much is looked at. */
const LOOKED_AT = 10_000;

/**
 * Adds to the error of a statement which the database could not read how this driver marks params, where the SQL marks
 * them in another database's way only, or marks some that have no value.
 */
export function hintAtMarks(
  error: AdbapiError,
  sql: string | undefined,
  params: unknown,
  paramstyle: Paramstyle,
): void {
  if (!(error instanceof ProgrammingError) || sql === undefined) return;
  const { message } = error;
  const given = params !== undefined && !(Array.isArray(params) && params.length === 0);
  const hint = hintFor(sql.slice(0, LOOKED_AT), given, message, paramstyle);
  if (hint !== undefined) reword(error, `${message}; ${hint}`);
}

function hintFor(sql: string, given: boolean, message: string, paramstyle: Paramstyle): string | undefined {
  const own = STYLES.find(({ style }) => style === paramstyle);
  if (own === undefined) return undefined;
  if (own.seen.test(sql)) {
    // PostgreSQL counts them itself, and there "?" is an operator.
    const missing = !given && paramstyle === "qmark" && /\?|parameter/.test(message);
    return missing ? 'the SQL has "?", and no params were given' : undefined;
  }
  const other = given ? STYLES.find(({ seen }) => seen.test(sql)) : undefined;
  if (other === undefined) return undefined;
  return `this driver marks params as ${own.marks} (paramstyle "${own.style}"), and the SQL as ${other.marks}`;
}
