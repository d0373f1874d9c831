/** What past runs tell of a statement's text. */
import { KnownTexts, Pace, type PaceRule } from "./known-texts.js";

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
