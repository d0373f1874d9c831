/** What is known of texts: how long each takes, learnt by the pool and by the thread of a blocking driver. */

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

/** Others may wait behind a statement that takes less. */
const FAST_MILLIS = 5;

export interface PaceRule {
  /** Whole runs before the estimate is believed. */
  readonly enoughRuns: number;
  /** The estimate after one run more; the first run is an estimate by itself. */
  readonly estimate: (before: number, millis: number) => number;
}

export class Pace {
  readonly #rule: PaceRule;
  #millis = 0;
  #runs = 0;

  constructor(rule: PaceRule) {
    this.#rule = rule;
  }

  /** Whole runs that the estimate stands on. */
  get runs(): number {
    return this.#runs;
  }

  get fast(): boolean {
    return this.#runs >= this.#rule.enoughRuns && this.#millis < FAST_MILLIS;
  }

  /** It ran to its end. */
  ran(millis: number): void {
    this.#millis = this.#runs === 0 ? millis : this.#rule.estimate(this.#millis, millis);
    this.#runs++;
  }

  /**
   * It was given up before its end, or failed. How long it would have taken is unknown: if it was not quick by then,
   * what was known of its pace holds no more.
   */
  cutShort(millis: number): void {
    if (millis >= FAST_MILLIS) this.#runs = 0;
  }
}
