import type { SlowStatement } from "./report.js";

/** How many texts are remembered. When there are more, the faster half is forgotten. */
const TEXTS = 500;
const TEXT_LENGTH = 1_000;

interface Timing {
  readonly sql: string;
  count: number;
  total: number;
  waited: number;
  max: number;
}

/** The time that each text took at the database, and waited before, for a bounded number of texts. */
export class SlowStatements {
  #timings = new Map<string, Timing>();

  add(sql: string, millis: number, waited = 0): void {
    const key = shorten(sql);
    let timing = this.#timings.get(key);
    if (timing === undefined) {
      if (this.#timings.size >= TEXTS) this.#forget();
      timing = { sql: key, count: 0, total: 0, waited: 0, max: 0 };
      this.#timings.set(key, timing);
    }
    timing.count += 1;
    timing.total += millis;
    timing.waited += waited;
    timing.max = Math.max(timing.max, millis);
  }

  /** The slowest on average first. */
  top(count: number): SlowStatement[] {
    return this.#ranked()
      .slice(0, count)
      .map(({ sql, count, total, waited, max }) => {
        return { sql, count, mean: total / count, meanWaited: waited / count, max };
      });
  }

  clear(): void {
    this.#timings.clear();
  }

  #ranked(): Timing[] {
    return [...this.#timings.values()].sort((a, b) => b.total / b.count - a.total / a.count);
  }

  #forget(): void {
    this.#timings = new Map(
      this.#ranked()
        .slice(0, TEXTS / 2)
        .map((timing) => [timing.sql, timing]),
    );
  }
}

/** Of a long text a copy: a slice of a string keeps the whole string in memory. */
export function shorten(sql: string): string {
  if (sql.length <= TEXT_LENGTH) return sql;
  return `${Buffer.from(sql.slice(0, TEXT_LENGTH - 1)).toString()}…`;
}
