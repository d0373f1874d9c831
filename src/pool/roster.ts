import type { PooledConnection } from "./pooled-connection.js";

/** The connections of a pool: all that have not gone yet, and in what order those that are idle are used. */
export class Roster {
  /** Those that are open, being prepared for their first use, or closing. */
  readonly #all = new Set<PooledConnection>();
  /** Those that are idle: the one that was used last comes last, and is taken first. */
  readonly available: PooledConnection[] = [];
  /** Gone here, and their sessions are still inside of the database. */
  #ending = 0;
  /** Attempts to open one that are under way; changed by the two methods for that. */
  opening = 0;
  #whenEmpty: (() => void) | undefined;

  [Symbol.iterator](): IterableIterator<PooledConnection> {
    return this.#all.values();
  }

  get open(): number {
    return this.#count((connection) => !connection.gone && connection.state !== "opening");
  }

  get idle(): number {
    return this.#count(({ state }) => state === "idle" || state === "lingering");
  }

  get inUse(): number {
    return this.#count((connection) => connection.inUse);
  }

  attempted(): void {
    this.opening++;
  }

  /** An attempt is over, whatever came of it. */
  attemptOver(): void {
    this.opening--;
    this.#look();
  }

  add(connection: PooledConnection): void {
    this.#all.add(connection);
  }

  /** One that was idle ends: it may be anywhere among them. */
  rouse(connection: PooledConnection): void {
    const index = this.available.lastIndexOf(connection);
    if (index >= 0) this.available.splice(index, 1);
  }

  /** It is gone; its session may need time to end inside of the database. */
  delete(connection: PooledConnection): void {
    this.#all.delete(connection);
    const { ended } = connection.conn;
    if (ended === undefined) {
      this.#look();
      return;
    }
    this.#ending++;
    const over = () => {
      this.#ending--;
      this.#look();
    };
    void ended.then(over, over);
  }

  /** Fires when no connection is left, none is being opened and no session is still to end. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
      this.#look();
    });
  }

  #look(): void {
    if (this.opening + this.#all.size + this.#ending === 0) this.#whenEmpty?.();
  }

  #count(test: (connection: PooledConnection) => boolean): number {
    let count = 0;
    for (const connection of this.#all) if (test(connection)) count++;
    return count;
  }
}
