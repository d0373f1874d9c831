/** A statement of better-sqlite3, with what is expensive to ask for. */
import type { Statement } from "better-sqlite3";
import { verbOf } from "../blocking/verbs.js";
import type { Params } from "../driver.js";
import { exact } from "../sqlite-family/params.js";
import { checkParams, hasNumbers, type Placeholders, placeholdersOf } from "../sqlite-family/placeholders.js";
import type { Pragma } from "../sqlite-family/pragmas.js";
import { inserts } from "../sqlite-family/text.js";

/** Names of columns, and the number of the schema in which they are right. */
export interface NamedColumns {
  readonly names: readonly string[];
  readonly schema: number;
}

export class Prepared {
  readonly statement: Statement<unknown[], unknown[]>;
  readonly pragma: Pragma | undefined;
  readonly inserts: boolean;
  /** Reads or writes rows, and does not change which tables there are. */
  readonly plain: boolean;
  /** As they were when they were asked for last. */
  columns: NamedColumns | undefined;
  /** Known once params were given. */
  #placeholders: Placeholders | undefined;
  #numbered = false;

  constructor(statement: Statement<unknown[], unknown[]>, pragma: Pragma | undefined) {
    this.statement = statement.reader ? statement.raw().safeIntegers() : statement.safeIntegers();
    this.pragma = pragma;
    this.inserts = inserts(statement.source);
    this.plain = verbOf(statement.source) === "plain";
  }

  /**
   * The arguments of the package's calls: the package refuses a list that is too short or too long, and ignores names
   * that have no place.
   */
  values(params: Params): unknown[] {
    if (this.#placeholders === undefined) {
      this.#placeholders = placeholdersOf(this.statement.source);
      this.#numbered = hasNumbers(this.#placeholders);
    }
    if (Array.isArray(params) && !this.#numbered) return [exact(params)];
    checkParams(params, this.#placeholders);
    return byName(exact(params), this.#placeholders);
  }
}

/** The package takes what has a number by its name, and what has neither number nor name as a list. */
function byName(params: Params, placeholders: Placeholders): unknown[] {
  const values = Array.isArray(params) ? params : placeholders.map(() => null);
  const unnamed = values.filter((_, at) => !isNamed(placeholders[at]));
  if (!Array.isArray(params)) return unnamed.length > 0 ? [unnamed, params] : [params];
  const named = placeholders.flatMap((one, at) => (isNamed(one) ? [[one.slice(1), values[at]]] : []));
  return [unnamed, Object.fromEntries(named)];
}

function isNamed(placeholder: string | undefined): placeholder is string {
  return placeholder !== undefined && placeholder !== "?";
}
