/**
 * What params a text asks for. node:sqlite does not tell, and binds NULL for those that are missing.
 * @see https://www.sqlite.org/lang_expr.html#varparam
 */
import { ProgrammingError } from "../../src/errors.js";
import { exact } from "../better-sqlite3/params.js";
import type { Params } from "../driver.js";

const TOKENS =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\?(\d*)|[:@$]([\p{L}_][\p{L}\p{N}_$]*)/gu;

export interface Placeholders {
  /** How many values a list of params must have. */
  readonly count: number;
  readonly names: ReadonlySet<string>;
}

export function placeholdersOf(sql: string): Placeholders {
  let count = 0;
  const names = new Set<string>();
  for (const [, number, name] of sql.matchAll(TOKENS)) {
    if (name !== undefined) names.add(name);
    else if (number === "") count++;
    // To node:sqlite, as to better-sqlite3, `?1` is a param whose name is 1.
    else if (number !== undefined) names.add(number);
  }
  return { count, names };
}

/** Gives the arguments for node:sqlite's calls. */
export function spread(params: Params | undefined, { count, names }: Placeholders): unknown[] {
  if (params === undefined || Array.isArray(params)) {
    const values: readonly unknown[] = params ?? [];
    if (names.size > 0)
      throw new ProgrammingError(`the statement names its params (${list(names)}): give an object`);
    if (values.length !== count) {
      throw new ProgrammingError(`the statement takes ${count} params, and ${values.length} were given`);
    }
    return [...exact(values)];
  }
  if (count > 0) throw new ProgrammingError(`the statement marks ${count} params with ?: give an array`);
  const missing = [...names].filter((name) => !Object.hasOwn(params, name));
  if (missing.length > 0) throw new ProgrammingError(`no value for the params ${list(missing)}`);
  return [exact(params)];
}

function list(names: Iterable<string>): string {
  return [...names].join(", ");
}
