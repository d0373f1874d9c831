/**
 * Types that a database's users made: arrays of domains, enums, composite types and ranges have numbers of their own,
 * which pg knows no parser for.
 */
import type { RowMode } from "../../driver.js";
import { looksLikeArray, parseArray } from "./arrays.js";
import type { GetParser, ParseText } from "./codec.js";

/** A column of a type that pg knows nothing of: its values are text, and may be arrays. */
export interface MadeColumn {
  readonly index: number;
  readonly name: string;
  readonly oid: number;
  /** An object of names holds it: no later column has its name. */
  readonly named: boolean;
}

/** The first number that a type of a user's can have. */
const FIRST_MADE = 16_384;

/** What the server says of a type: `of` is what a domain is made of, or an array has in it. */
interface Fact {
  readonly kind: "domain" | "array" | "other";
  readonly of: number;
  readonly delimiter: string;
}

export type TextRows = readonly (readonly (string | null)[])[];

/** Asks the server, and gives rows of text. */
export type Ask = (sql: string) => Promise<TextRows>;

/** What one session knows of them. Asked when a value looks like an array, once for each type. */
export class MadeTypes {
  readonly #facts = new Map<number, Fact>();
  readonly #getParser: GetParser;

  constructor(getParser: GetParser) {
    this.#getParser = getParser;
  }

  /** Whether the package, or the user, has nothing to read this type with. */
  static has(oid: number, getParser: GetParser): boolean {
    return oid >= FIRST_MADE && getParser(oid) === getParser(0);
  }

  /**
   * Reads the arrays among the values of made types, which are text until then. `ask` is called when one of an unknown
   * type is among them.
   */
  async read(
    columns: readonly MadeColumn[],
    rows: readonly unknown[],
    rowMode: RowMode,
    ask: Ask,
  ): Promise<void> {
    const arrays = columns
      .filter(({ named }) => named || rowMode === "array")
      .map(({ oid, name, index }) => ({ oid, key: rowMode === "array" ? index : name }))
      .filter(({ key }) => rows.some((row) => isArrayText(fieldOf(row, key))));
    await this.#learn(
      arrays.map(({ oid }) => oid),
      ask,
    );
    for (const { key, oid } of arrays) {
      const fact = this.#facts.get(oid);
      if (fact === undefined || this.#base(fact).kind !== "array") continue;
      const parse = this.#parserOf(oid);
      for (const row of rows as Record<string | number, unknown>[]) {
        const value = fieldOf(row, key);
        if (isArrayText(value)) row[key] = parse(value);
      }
    }
  }

  /** The type that a domain is made of; any other is its own. */
  async baseOf(oid: number, ask: Ask): Promise<number> {
    if (oid < FIRST_MADE) return oid;
    await this.#learn([oid], ask);
    let base = oid;
    for (let fact = this.#facts.get(base); fact?.kind === "domain"; fact = this.#facts.get(base))
      base = fact.of;
    return base;
  }

  async #learn(oids: readonly number[], ask: Ask): Promise<void> {
    const unknown = oids.filter((oid) => !this.#facts.has(oid));
    if (unknown.length === 0) return;
    for (const [oid, kind, of, delimiter] of await ask(questionOf(unknown)))
      this.#facts.set(Number(oid), { kind: kind as Fact["kind"], of: Number(of), delimiter: delimiter! });
  }

  #base(fact: Fact): Fact {
    const of = fact.kind === "domain" ? this.#facts.get(fact.of) : undefined;
    return of === undefined ? fact : this.#base(of);
  }

  #parserOf(oid: number): ParseText {
    const fact = this.#facts.get(oid);
    if (fact === undefined || !MadeTypes.has(oid, this.#getParser)) return this.#getParser(oid);
    const { kind, of, delimiter } = fact;
    if (kind === "other") return String;
    const parse = this.#parserOf(of);
    return kind === "domain" ? parse : (text) => parseArray(text, parse, delimiter);
  }
}

/** A row is an object of names, or an array. */
function fieldOf(row: unknown, key: string | number): unknown {
  return (row as Readonly<Record<string | number, unknown>>)[key];
}

function isArrayText(value: unknown): value is string {
  return typeof value === "string" && looksLikeArray(value);
}

/** Of these types, and of all that they are made of. */
function questionOf(oids: readonly number[]): string {
  const columns = "t.oid, t.typtype, t.typcategory, t.typbasetype, t.typelem, t.typdelim";
  const of =
    "case when a.typtype = 'd' then a.typbasetype when a.typcategory = 'A' then a.typelem else 0 end";
  return (
    `with recursive a as (select ${columns} from pg_catalog.pg_type t where t.oid in (${oids.join(", ")}) ` +
    `union select ${columns} from a join pg_catalog.pg_type t on t.oid = ${of}) ` +
    `select a.oid::text, case when a.typtype = 'd' then 'domain' when a.typcategory = 'A' then 'array' else 'other' end, ` +
    `(${of})::text, a.typdelim::text from a`
  );
}
