/** A bounded map of texts: for one more than `max`, the one that was used longest ago goes. */
export class Lru<V> {
  readonly #max: number;
  /** In the order of their last use, oldest first. */
  readonly #values = new Map<string, V>();
  /** Asked for again and again it needs no look into the map. */
  #latest: { readonly key: string; readonly value: V } | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  /** It counts as used now. */
  get(key: string): V | undefined {
    if (this.#latest?.key === key) return this.#latest.value;
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    this.#latest = { key, value };
    return value;
  }

  /** Without using it. */
  peek(key: string): V | undefined {
    return this.#values.get(key);
  }

  /** The value that had to go for it, with its key. */
  set(key: string, value: V): readonly [key: string, value: V] | undefined {
    this.#values.delete(key);
    this.#values.set(key, value);
    this.#latest = { key, value };
    if (!(this.#values.size > this.#max)) return undefined;
    const [oldest] = this.#values;
    this.delete(oldest![0]);
    return oldest;
  }

  delete(key: string): void {
    this.#values.delete(key);
    if (this.#latest?.key === key) this.#latest = undefined;
  }

  clear(): void {
    this.#values.clear();
    this.#latest = undefined;
  }

  /** Oldest first. */
  keys(): IterableIterator<string> {
    return this.#values.keys();
  }

  values(): IterableIterator<V> {
    return this.#values.values();
  }
}
