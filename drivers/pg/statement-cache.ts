/**
 * Which statements of a session have a name at the server, so that they are parsed and planned once. A name is made of
 * the text and the types of its params, so it means nothing else, whichever session has given it.
 * docs/decisions/0011-what-a-name-stands-on.md has the rules.
 */
import { Lru } from "../common/lru.js";
import { factsOf, isStalePlan } from "./errors.js";
import { type Kind, outlineOf } from "./names/kind.js";
import { nameOf } from "./names/statement-name.js";
import type { Shape } from "./values/rows.js";
import type { Encoded } from "./wire.js";

/** How one execution of a text is to be sent. */
export interface Use {
  readonly sql: string;
  readonly kind: Kind;
  /** As in `Outline`. */
  readonly pattern: string;
  /** Its name at the server; empty for a statement without one. */
  readonly name: string;
  /** The types of its params where they are told to the server, which otherwise finds them out. */
  readonly types: readonly number[];
  /** The types that the server has found out are asked for. */
  readonly learns: boolean;
  /**
   * Its columns, where the server knows it by that name: it is neither parsed nor described again. They cannot change:
   * the server would rather refuse to run it.
   */
  readonly shape: Shape | undefined;
}

const USES_BEFORE_A_NAME = 3;
const MOST = 256;
const LONGEST = 16_384;
/**
 * The server does not tell that another session has altered or hidden a table: after so long everything is found out
 * anew.
 */
const LIFETIME_MILLIS = 5_000;

type State =
  | { readonly is: "counted"; readonly uses: number }
  /** The types of its params are known. */
  | { readonly is: "learned"; readonly types: readonly number[]; readonly since: number }
  /**
   * Under way; until it is answered all others go unnamed: nothing may be stacked on a name before its first Parse is
   * answered.
   */
  | { readonly is: "naming"; readonly use: Use; readonly since: number }
  | { readonly is: "named"; readonly use: Use; readonly integers: readonly number[]; readonly since: number };

interface Entry {
  readonly plain: Use;
  readonly planned: boolean;
  state: State;
}

const FRESH: State = { is: "counted", uses: 0 };
/** Its next use learns, and the one after that has a name. */
const KNOWN: State = { is: "counted", uses: USES_BEFORE_A_NAME - 2 };

/** How often this process has altered tables, in any session. */
let alterations = 0;

/**
 * To be called when an alteration is committed. The server would go on with the types that it found for the params of a
 * name.
 */
export function tablesAltered(): void {
  alterations++;
}

export class Statements {
  readonly #entries = new Lru<Entry>(MOST);
  readonly #byName = new Map<string, Entry>();
  /** Asked for again and again it needs no search. */
  #latest: Entry | undefined;
  #forgotten: string[] = [];
  #alterations = alterations;

  /** Whether there is a name that could come to mean something else. */
  get some(): boolean {
    return this.#byName.size > 0;
  }

  use(sql: string, values: readonly Encoded[]): Use {
    if (this.#alterations !== alterations) {
      this.#alterations = alterations;
      this.clear();
    }
    if (sql.length > LONGEST) return unnamed(sql, "calls");
    const entry = this.#entryOf(sql);
    const { state } = entry;
    switch (state.is) {
      case "counted":
        if (!entry.planned) return entry.plain;
        entry.state = { is: "counted", uses: state.uses + 1 };
        return state.uses + 1 < USES_BEFORE_A_NAME - 1 ? entry.plain : learner(entry);
      case "learned":
        return isOld(state.since) ? this.#anew(entry) : this.#name(entry, state.types, state.since);
      case "naming":
        return entry.plain;
      case "named":
        if (isOld(state.since)) return this.#anew(entry);
        return areCanonical(values, state.integers) ? state.use : entry.plain;
    }
  }

  /** How a text travels that is neither to have a name nor to come nearer to one. */
  unnamed(sql: string): Use {
    const known = this.#entries.peek(sql);
    if (known !== undefined) return known.plain;
    if (sql.length > LONGEST) return unnamed(sql, "calls");
    const { kind, pattern } = outlineOf(sql);
    return unnamed(sql, kind, pattern);
  }

  /** The server has run it. */
  learn(use: Use, shape: Shape, types: readonly number[] | undefined): void {
    if (use.learns) {
      const entry = this.#entries.peek(use.sql);
      // Unless all was forgotten meanwhile.
      if (entry?.state.is === "counted" && entry.state.uses > 0 && types !== undefined)
        entry.state = { is: "learned", types, since: performance.now() };
    } else if (use.name !== "" && use.shape === undefined) {
      const entry = this.#byName.get(use.name);
      if (entry?.state.is !== "naming" || entry.state.use !== use) return;
      const integers = use.types.flatMap((type, place) => (INTEGERS.has(type) ? [place] : []));
      entry.state = { is: "named", use: { ...use, shape }, integers, since: entry.state.since };
    }
  }

  /**
   * Whether the error may be that of the name, and not of the statement: what it stands on has changed, or the server
   * does not have it. A name in doubt is given up.
   */
  disowned(use: Use, error: unknown): boolean {
    if (use.name === "") return false;
    const { code = "" } = factsOf(error);
    const doubtful = isStalePlan(error) || code === "26000" || code === "42P05" || /^(?:22|42)/.test(code);
    if (doubtful || use.shape === undefined) this.#forget(use.name, FRESH);
    return doubtful;
  }

  /** None of them is to be used any more: the server has dropped all, or what they stand on has changed. */
  clear(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state.is === "naming" || entry.state.is === "named")
        this.#forget(entry.state.use.name, FRESH);
      else entry.state = FRESH;
    }
  }

  /**
   * The names to be closed at the server, ahead of the next statement. It does not mind those that it does not know.
   */
  takeForgotten(): readonly string[] {
    if (this.#forgotten.length === 0) return NONE;
    const names = this.#forgotten;
    this.#forgotten = [];
    return names;
  }

  #anew(entry: Entry): Use {
    if (entry.state.is === "named") this.#forget(entry.state.use.name, KNOWN);
    entry.state = { is: "counted", uses: USES_BEFORE_A_NAME - 1 };
    return learner(entry);
  }

  #name(entry: Entry, types: readonly number[], since: number): Use {
    const { sql, kind, pattern } = entry.plain;
    const use = { sql, kind, pattern, name: nameOf(sql, types), types, learns: false, shape: undefined };
    entry.state = { is: "naming", use, since };
    this.#byName.set(use.name, entry);
    return use;
  }

  #entryOf(sql: string): Entry {
    if (this.#latest?.plain.sql === sql) return this.#latest;
    this.#latest = this.#entries.get(sql) ?? this.#add(sql);
    return this.#latest;
  }

  #add(sql: string): Entry {
    const { kind, planned, pattern } = outlineOf(sql);
    const entry: Entry = { plain: unnamed(sql, kind, pattern), planned, state: FRESH };
    const evicted = this.#entries.set(sql, entry)?.[1].state;
    if (evicted?.is === "naming" || evicted?.is === "named") this.#forget(evicted.use.name, FRESH);
    return entry;
  }

  #forget(name: string, state: State): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    this.#byName.delete(name);
    this.#forgotten.push(name);
    entry.state = state;
  }
}

const NONE: readonly string[] = [];

export function unnamed(sql: string, kind: Kind, pattern = ""): Use {
  return { sql, kind, pattern, name: "", types: [], learns: false, shape: undefined };
}

function learner({ plain }: Entry): Use {
  return { ...plain, learns: true };
}

function isOld(since: number): boolean {
  return performance.now() - since > LIFETIME_MILLIS;
}

/** int2, int4, int8. */
const INTEGERS: ReadonlySet<number> = new Set([21, 23, 20]);

/**
 * Whether these params are written as the server itself writes an integer. `'007'` is not: should the column have
 * become text since its type was found out, it would be stored as `'7'`. It goes without a name.
 */
function areCanonical(values: readonly Encoded[], places: readonly number[]): boolean {
  for (let i = 0; i < places.length; i++) {
    const value = values[places[i]!];
    if (typeof value === "string" ? !CANONICAL.test(value) : value instanceof Buffer || isFraction(value))
      return false;
  }
  return true;
}

const CANONICAL = /^(?:0|-?[1-9]\d{0,18})$/;

function isFraction(value: Encoded | undefined): boolean {
  return typeof value === "number" && !Number.isSafeInteger(value);
}
