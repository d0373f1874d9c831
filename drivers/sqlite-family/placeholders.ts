/**
 * The params that a text asks for, as SQLite numbers them. Neither package tells: better-sqlite3 knows `?1` as a name
 * only, and node:sqlite binds NULL for what is missing.
 * @see https://www.sqlite.org/lang_expr.html#varparam
 */
import { ProgrammingError } from "../../src/errors/classes.js";
import { Tokens } from "../blocking/tokens.js";
import type { Params } from "../driver.js";

/** SQLite's own limit: it refuses a larger number. */
const MOST = 32_766;

/**
 * In the order of their numbers: `"?"`, a number as in `"?1"`, a name with its sign; undefined for a number that the
 * text leaves out.
 */
export type Placeholders = readonly (string | undefined)[];

export function placeholdersOf(sql: string): Placeholders {
  const found: (string | undefined)[] = [];
  const numbers = new Map<string, number>();
  const tokens = new Tokens(sql);
  for (let kind = tokens.next(); kind !== "end"; kind = tokens.next()) {
    if (kind !== "variable" || found.length > MOST) continue;
    const { text } = tokens;
    const number = text[0] === "?" ? Number(text.slice(1)) : 0;
    if (text === "?") found.push(text);
    else if (number > MOST) continue;
    else if (number > 0) {
      while (found.length < number) found.push(undefined);
      // A `?` that has this number already takes the name.
      if (found[number - 1] === undefined || found[number - 1] === "?") found[number - 1] = text;
    } else if (!numbers.has(text)) numbers.set(text, found.push(text));
  }
  return found;
}

/** Whether the text has numbered params, which a list is bound to by those numbers. */
export function hasNumbers(placeholders: Placeholders): boolean {
  return placeholders.some(isNumbered);
}

export function isNumbered(placeholder: string | undefined): boolean {
  return placeholder !== undefined && placeholder.length > 1 && placeholder.startsWith("?");
}

/** Whether one value of an object is for several, as in `:a` and `@a`. */
export function shareNames(placeholders: Placeholders): boolean {
  const names = placeholders.filter((one) => one !== undefined && one !== "?").map(bare);
  return new Set(names).size < names.length;
}

/** Refuses params that are not exactly those that the text asks for. */
export function checkParams(params: Params | undefined, placeholders: Placeholders): void {
  if (params === undefined || Array.isArray(params))
    checkList((params as readonly unknown[]) ?? [], placeholders);
  else checkNamed(params as Readonly<Record<string, unknown>>, placeholders);
}

function checkList(values: readonly unknown[], placeholders: Placeholders): void {
  const named = placeholders.filter((one) => one !== undefined && !one.startsWith("?"));
  if (named.length > 0)
    throw new ProgrammingError(`the statement names its params (${list(named.map(bare))}): give an object`);
  const left = placeholders.indexOf(undefined);
  if (left >= 0)
    throw new ProgrammingError(
      `the statement has ?${placeholders.length} and no ?${left + 1}: number its params without a gap, or give an object`,
    );
  if (values.length === placeholders.length) return;
  throw new ProgrammingError(
    `the statement takes ${placeholders.length} params, and ${values.length} were given`,
  );
}

function checkNamed(params: Readonly<Record<string, unknown>>, placeholders: Placeholders): void {
  const marks = placeholders.filter((one) => one === "?").length;
  if (marks > 0) throw new ProgrammingError(`the statement marks ${marks} params with ?: give an array`);
  const names = new Set(placeholders.filter((one) => one !== undefined).map(bare));
  const missing = [...names].filter((name) => !Object.hasOwn(params, name));
  if (missing.length > 0) throw new ProgrammingError(`no value for the params ${list(missing)}`);
  const surplus = Object.keys(params).filter((name) => !names.has(name));
  if (surplus.length > 0) throw new ProgrammingError(`the statement has no params named ${list(surplus)}`);
}

/** As an object names it. */
function bare(placeholder: string | undefined): string {
  return placeholder?.slice(1) ?? "";
}

/** Some of them: there may be thousands. */
function list(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(", ")}, …` : names.join(", ");
}
