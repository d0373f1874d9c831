/**
 * What is known of each text, for the texts that were used last: at most `limit` of them, at least half as many.
 *
 * Two generations instead of one ordered list: a text that was used lately costs one look-up, and nothing is moved.
 */
export class KnownTexts<Known> {
  readonly #half: number;
  #young = new Map<string, Known>();
  /** What was young before; forgotten, but for what is used meanwhile, when `#young` is full. */
  #old = new Map<string, Known>();

  constructor(limit: number) {
    this.#half = Math.ceil(limit / 2);
  }

  get(sql: string): Known | undefined {
    const young = this.#young.get(sql);
    if (young !== undefined) return young;
    const old = this.#old.get(sql);
    if (old !== undefined) this.add(sql, old);
    return old;
  }

  add(sql: string, known: Known): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(sql, known);
  }
}
