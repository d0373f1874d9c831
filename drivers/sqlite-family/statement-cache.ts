/** Prepared statements by their text, the last used of them: preparing costs more than a small query. */

const LIMIT = 256;

export class StatementCache<T> {
  readonly #prepare: (sql: string) => T;
  /** In the order of their last use, oldest first, up to `#fresh`. */
  readonly #statements = new Map<string, T>();

  constructor(prepare: (sql: string) => T) {
    this.#prepare = prepare;
  }

  get(sql: string): T {
    const known = this.#statements.get(sql);
    if (known !== undefined) {
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
      return known;
    }
    const prepared = this.#prepare(sql);
    if (this.#statements.size >= LIMIT) this.#statements.delete(this.#statements.keys().next().value!);
    this.#statements.set(sql, prepared);
    return prepared;
  }

  forget(sql: string): void {
    this.#statements.delete(sql);
  }

  clear(): void {
    this.#statements.clear();
  }
}
