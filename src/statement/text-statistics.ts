/** What past runs tell of texts: learnt by the pool, and by the thread of a blocking driver. */

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

/** The mean of the runs; the last ones weigh most. */
const MEAN: PaceRule = { enoughRuns: 2, estimate: (before, millis) => before + (millis - before) * 0.2 };

/** Texts known at once. */
const TEXTS = 1_000;

export class TextFacts extends Pace {
  readonly sql: string;
  /** What the driver says of the text: that others may wait behind it. */
  readonly stackable: boolean;
  /** What the database says of the text: that it can write nothing. Undefined where it does not tell. */
  readOnly: boolean | undefined;

  constructor(sql: string, stackable: boolean) {
    super(MEAN);
    this.sql = sql;
    this.stackable = stackable;
  }
}

/** How long each text takes and whether it writes, learnt from its runs. Bounded. */
export class TextStatistics {
  readonly #texts = new KnownTexts<TextFacts>(TEXTS);
  readonly #stackable: (sql: string) => boolean;

  constructor(stackable: (sql: string) => boolean) {
    this.#stackable = stackable;
  }

  of(sql: string): TextFacts | undefined {
    return this.#texts.get(sql);
  }

  learn(sql: string, known: TextFacts | undefined, millis: number, readOnly: boolean | undefined): void {
    const text = known ?? this.#factsOf(sql);
    text.ran(millis);
    text.readOnly = readOnly;
  }

  /** The database says that the text may write, and has not run it. */
  writes(sql: string, known: TextFacts | undefined): void {
    const text = known ?? this.#factsOf(sql);
    text.readOnly = false;
  }

  /** It took so long and was not over. */
  overran(sql: string, known: TextFacts | undefined, millis: number): void {
    const text = known ?? this.#texts.get(sql);
    text?.cutShort(millis);
  }

  #factsOf(sql: string): TextFacts {
    const known = this.#texts.get(sql);
    if (known !== undefined) return known;
    const text = new TextFacts(sql, this.#stackable(sql));
    this.#texts.add(sql, text);
    return text;
  }
}

/** Whether others may be sent behind a statement of this text: only if they will not wait for long. */
export function mayBeStacked(text: TextFacts | undefined): boolean {
  return text?.stackable === true && text.fast;
}
