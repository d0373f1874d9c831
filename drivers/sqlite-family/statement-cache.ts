/** Prepared statements by their text, the last used of them: preparing costs more than a small query. */
import { Lru } from "../common/lru.js";
import { type Pragma, pragmaOf } from "./pragmas.js";

const LIMIT = 256;

/** What is kept of each; a package's driver adds what it needs. */
export interface Prepared {
  readonly pragma: Pragma | undefined;
}

export interface Preparing<P extends Prepared> {
  prepare(sql: string, pragma: Pragma | undefined): P;
  /** Throws where the session, as it is now, must not be given this PRAGMA. */
  admit(pragma: Pragma): void;
}

export class StatementCache<P extends Prepared> {
  readonly #preparing: Preparing<P>;
  readonly #statements = new Lru<P>(LIMIT);

  constructor(preparing: Preparing<P>) {
    this.#preparing = preparing;
  }

  /** The statement, ready to run now. */
  get(sql: string): P {
    const known = this.#statements.get(sql);
    if (known === undefined) return this.#add(sql);
    if (known.pragma !== undefined) this.#preparing.admit(known.pragma);
    return known;
  }

  forget(sql: string): void {
    this.#statements.delete(sql);
  }

  clear(): void {
    this.#statements.clear();
  }

  #add(sql: string): P {
    const pragma = pragmaOf(sql);
    // Many a PRAGMA takes effect while it is prepared: it is refused before that.
    if (pragma !== undefined) this.#preparing.admit(pragma);
    const prepared = this.#preparing.prepare(sql, pragma);
    this.#statements.set(sql, prepared);
    return prepared;
  }
}
