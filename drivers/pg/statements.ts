/** Which statements of a connection have a name at the server, so that they are parsed and planned once. */
import { factsOf } from "./errors.js";
import type { Shape } from "./rows.js";

export interface Named {
  readonly sql: string;
  uses: number;
  /** Its name at the server; undefined while it has none. */
  name: string | undefined;
  /**
   * The columns, once the server has run it under its name: nothing may be stacked on a name before its first Parse is answered.
   * They cannot change: the server would rather refuse to run it.
   */
  shape: Shape | undefined;
}

const USES_BEFORE_A_NAME = 3;
const MOST = 256;
const LONGEST = 16_384;

export class Statements {
  readonly #bySql = new Map<string, Named>();
  #latest: Named | undefined;
  #names = 0;
  /** Names to be closed at the server, ahead of the next statement. */
  #forgotten: string[] = [];

  /** The entry of a text, counted as used; undefined for one that never gets a name. */
  use(sql: string): Named | undefined {
    const latest = this.#latest;
    if (latest !== undefined && latest.sql === sql) {
      latest.uses++;
      return latest;
    }
    if (sql.length > LONGEST) return undefined;
    let entry = this.#bySql.get(sql);
    if (entry === undefined) {
      entry = { sql, uses: 0, name: undefined, shape: undefined };
      if (this.#bySql.size >= MOST) this.#evict();
    } else {
      this.#bySql.delete(sql);
    }
    this.#bySql.set(sql, entry);
    this.#latest = entry;
    entry.uses++;
    return entry;
  }

  /** Whether this execution is the one to give the statement its name. */
  christen(entry: Named): boolean {
    if (entry.name !== undefined || entry.uses < USES_BEFORE_A_NAME) return false;
    entry.name = `adbapi_${++this.#names}`;
    return true;
  }

  known(entry: Named, name: string, shape: Shape): void {
    if (entry.name === name) entry.shape = shape;
  }

  /** Whether the server no longer runs the statement under its name. A doubtful name is given up in any case. */
  disowned(entry: Named, name: string, error: unknown): boolean {
    const { code, routine, message } = factsOf(error);
    const changed = code === "0A000" && routine === "RevalidateCachedQuery";
    const unknown = code === "26000" && message.includes(name);
    // Class 42: the types of its params may be those of a table that has changed since.
    if (entry.shape === undefined || changed || unknown || code?.startsWith("42")) this.forget(entry, name);
    return changed || unknown;
  }

  /** The name is of no more use: closed at the server, whether it knows it or not. */
  forget(entry: Named, name: string): void {
    if (entry.name !== name) return;
    this.#forgotten.push(name);
    entry.name = undefined;
    entry.shape = undefined;
    entry.uses = 0;
  }

  /** The server has dropped every statement by itself. */
  clear(): void {
    for (const entry of this.#bySql.values()) if (entry.name !== undefined) this.forget(entry, entry.name);
  }

  takeForgotten(): readonly string[] {
    if (this.#forgotten.length === 0) return NONE;
    const names = this.#forgotten;
    this.#forgotten = [];
    return names;
  }

  #evict(): void {
    const [oldest] = this.#bySql.values();
    this.#bySql.delete(oldest!.sql);
    if (oldest!.name !== undefined) this.forget(oldest!, oldest!.name);
  }
}

const NONE: readonly string[] = [];
