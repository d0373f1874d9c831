/** How long a text takes, learnt from its runs: by the pool for each text, and by the thread of a blocking driver. */

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
