/** Which statements of a connection have a name at the server, so that they are parsed and planned once. */
import { factsOf, isStalePlan } from "./errors.js";
import type { Shape } from "./rows.js";

/** How one execution of a text is to be sent. */
export interface Use {
  /** Its name at the server; empty for a statement without one. */
  readonly name: string;
  /**
   * Its columns, where the server knows it by that name: it is neither parsed nor described again. They cannot change:
   * the server would rather refuse to run it.
   */
  readonly shape: Shape | undefined;
}

export const UNNAMED: Use = { name: "", shape: undefined };

const USES_BEFORE_A_NAME = 3;
const MOST = 256;
const LONGEST = 16_384;

interface Entry {
  readonly sql: string;
  uses: number;
  /**
   * The execution that gives it its name, later the one to copy. Until that one has succeeded all others go unnamed: nothing may be
   * stacked on a name before its first Parse is answered.
   */
  named: Use | undefined;
}

/** How often this process has altered tables, in any session. */
let alterations = 0;

/** To be called when an alteration is committed. The server would go on with the types that it found for the params of a name. */
export function tablesAltered(): void {
  alterations++;
}

export class Statements {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #byName = new Map<string, Entry>();
  #latest: Entry | undefined;
  #names = 0;
  #forgotten: string[] = [];
  #alterations = alterations;

  use(sql: string): Use {
    if (this.#alterations !== alterations) {
      this.#alterations = alterations;
      this.clear();
    }
    if (sql.length > LONGEST) return UNNAMED;
    const entry = this.#touch(sql);
    if (entry.named !== undefined) return entry.named.shape === undefined ? UNNAMED : entry.named;
    if (++entry.uses < USES_BEFORE_A_NAME) return UNNAMED;
    entry.named = { name: `adbapi_${++this.#names}`, shape: undefined };
    this.#byName.set(entry.named.name, entry);
    return entry.named;
  }

  /** The server has run it under its new name. */
  learn(use: Use, shape: Shape): void {
    const entry = this.#byName.get(use.name);
    if (entry !== undefined && use.shape === undefined) entry.named = { name: use.name, shape };
  }

  /** Whether the server does not run the statement under its name any more. A name in doubt is given up in any case. */
  disowned(use: Use, error: unknown): boolean {
    if (use.name === "") return false;
    const { code, message } = factsOf(error);
    const changed = isStalePlan(error);
    const unknown = code === "26000" && message.includes(use.name);
    // Classes 22 and 42: the types of its params may be those of a table that has changed since.
    if (use.shape === undefined || changed || unknown || /^(?:22|42)/.test(code ?? ""))
      this.#forget(use.name);
    return changed || unknown;
  }

  /** None of them is to be used any more: the server has dropped all, or what they were made for has changed. */
  clear(): void {
    for (const name of this.#byName.keys()) this.#forget(name);
  }

  /** The names to be closed at the server, ahead of the next statement. It does not mind those that it does not know. */
  takeForgotten(): readonly string[] {
    if (this.#forgotten.length === 0) return NONE;
    const names = this.#forgotten;
    this.#forgotten = [];
    return names;
  }

  #touch(sql: string): Entry {
    if (this.#latest?.sql === sql) return this.#latest;
    const entry = this.#entries.get(sql) ?? { sql, uses: 0, named: undefined };
    if (!this.#entries.delete(sql) && this.#entries.size >= MOST) this.#evict();
    this.#entries.set(sql, entry);
    this.#latest = entry;
    return entry;
  }

  #evict(): void {
    const [oldest] = this.#entries.values();
    this.#entries.delete(oldest!.sql);
    if (oldest!.named !== undefined) this.#forget(oldest!.named.name);
  }

  #forget(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    this.#byName.delete(name);
    this.#forgotten.push(name);
    entry.named = undefined;
    entry.uses = 0;
  }
}

const NONE: readonly string[] = [];
