/** A bounded map of texts: for one more than `max`, the one that was used longest ago goes. */
export class Lru<V> {
  readonly #max: number;
  /** In the order of their last use, oldest first. */
  readonly #values = new Map<string, V>();

  constructor(max: number) {
    this.#max = max;
  }

  /** It counts as used now. */
  get(key: string): V | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
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
    if (!(this.#values.size > this.#max)) return undefined;
    const [oldest] = this.#values;
    this.delete(oldest![0]);
    return oldest;
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }

  /** Oldest first. */
  keys(): IterableIterator<string> {
    return this.#values.keys();
  }

  values(): IterableIterator<V> {
    return this.#values.values();
  }
}
