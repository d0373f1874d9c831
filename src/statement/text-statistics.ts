/** What past runs tell of a statement's text. */
export interface TextFacts {
  readonly sql: string;
  /** Running estimate, in milliseconds; the last runs weigh most. */
  meanMillis: number;
  runs: number;
  /** What the database says of the text: that it can write nothing. Undefined where it does not tell. */
  readOnly: boolean | undefined;
  /** What the driver says of the text: that others may wait behind it. */
  readonly stackable: boolean;
}

/** Texts known at once; past that the one known for the longest is forgotten. */
const TEXTS = 1_000;
/** Runs before an estimate is believed. */
const ENOUGH_RUNS = 2;
/** A statement that takes longer than this on average is one that others should not wait behind. */
const FAST_MILLIS = 5;
const WEIGHT = 0.2;

/** How long each text takes and whether it writes, learnt from its runs. Bounded. */
export class TextStatistics {
  readonly #texts = new Map<string, TextFacts>();
  readonly #stackable: (sql: string) => boolean;

  constructor(stackable: (sql: string) => boolean) {
    this.#stackable = stackable;
  }

  of(sql: string): TextFacts | undefined {
    return this.#texts.get(sql);
  }

  learn(sql: string, known: TextFacts | undefined, millis: number, readOnly: boolean | undefined): void {
    const text = known ?? this.#texts.get(sql);
    if (text !== undefined) {
      text.meanMillis += (millis - text.meanMillis) * (text.runs === 0 ? 1 : WEIGHT);
      text.runs++;
      text.readOnly = readOnly;
      return;
    }
    this.#add(sql, millis, 1, readOnly);
  }

  /** The database says that the text may write, and has not run it. */
  writes(sql: string, known: TextFacts | undefined): void {
    const text = known ?? this.#texts.get(sql);
    if (text === undefined) this.#add(sql, 0, 0, false);
    else text.readOnly = false;
  }

  /**
   * It took so long and was not over: what was known of its pace holds no more. How long it would have taken, nobody
   * knows.
   */
  overran(sql: string, known: TextFacts | undefined, millis: number): void {
    const text = known ?? this.#texts.get(sql);
    if (text !== undefined && millis >= FAST_MILLIS) text.runs = 0;
  }

  #add(sql: string, meanMillis: number, runs: number, readOnly: boolean | undefined): void {
    if (this.#texts.size >= TEXTS) this.#forgetOldest();
    this.#texts.set(sql, { sql, meanMillis, runs, readOnly, stackable: this.#stackable(sql) });
  }

  #forgetOldest(): void {
    const oldest = this.#texts.keys().next().value;
    if (oldest !== undefined) this.#texts.delete(oldest);
  }
}

/** Whether others may be sent behind a statement of this text: only if they will not wait for long. */
export function mayBeStacked(text: TextFacts | undefined): boolean {
  return text?.stackable === true && text.runs >= ENOUGH_RUNS && text.meanMillis < FAST_MILLIS;
}
