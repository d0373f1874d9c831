/** What past runs tell of a text. */
import { type Verb, verbOf } from "../verbs.js";

/** A run below this can be waited for; a text that takes longer goes alone. */
const FAST_MILLIS = 5;

export class Text {
  readonly verb: Verb;
  /** Once the module has said so. */
  readOnly: boolean | undefined;
  /** Undefined until it has run. */
  #millis: number | undefined;

  constructor(sql: string) {
    this.verb = verbOf(sql);
  }

  get fast(): boolean {
    return this.#millis !== undefined && this.#millis < FAST_MILLIS;
  }

  /** Slow runs count at once, and are forgotten slowly. */
  ran(millis: number): void {
    this.#millis = Math.max(millis, (this.#millis ?? 0) * 0.75);
  }

  /** How long it would have taken nobody knows: it may have been slow, but not quick. */
  cutShort(millis: number): void {
    if (millis >= FAST_MILLIS) this.#millis = undefined;
  }
}

/** Runs a statement of this text, and learns from it. */
export function timed<T>(text: Text, run: () => T): T {
  const start = performance.now();
  try {
    const result = run();
    text.ran(performance.now() - start);
    return result;
  } catch (error) {
    text.cutShort(performance.now() - start);
    throw error;
  }
}

/** The texts that were used last, a bounded number. */
export class Texts {
  readonly #texts = new Map<string, Text>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  of(sql: string): Text {
    const known = this.#texts.get(sql);
    if (known !== undefined) return known;
    if (this.#texts.size >= this.#limit) this.#texts.delete(this.#texts.keys().next().value!);
    const text = new Text(sql);
    this.#texts.set(sql, text);
    return text;
  }
}
