/** What a text is, as far as its first word and its past runs tell. */
import { Tokens } from "../../sqlite-family/tokens.js";

/**
 * - `"plain"`: reads or writes rows; several of them may share a transaction;
 * - `"schema"`: changes tables, in a transaction of its own;
 * - `"other"`: may open or end a transaction, or refuse to run inside one: goes as it is.
 */
export type Verb = "plain" | "schema" | "other";

const VERBS: ReadonlyMap<string, Verb> = new Map([
  ["select", "plain"],
  ["values", "plain"],
  ["with", "plain"],
  ["insert", "plain"],
  ["update", "plain"],
  ["delete", "plain"],
  ["replace", "plain"],
  ["create", "schema"],
  ["drop", "schema"],
  ["alter", "schema"],
]);

/** In lower case, after comments and empty statements; empty when there is none that could be a keyword. */
export function firstWord(sql: string): string {
  return wordAt(firstToken(sql));
}

/** The same of the piece where the reader is. */
export function wordAt(tokens: Tokens): string {
  return tokens.kind === "word" && tokens.end - tokens.start <= LONGEST_WORD ? tokens.name : "";
}

/** No keyword is longer. */
const LONGEST_WORD = 20;

/** At the first piece that says anything. */
export function firstToken(sql: string): Tokens {
  const tokens = new Tokens(sql);
  do tokens.next();
  while (tokens.is(";"));
  return tokens;
}

export function verbOf(sql: string): Verb {
  return VERBS.get(firstWord(sql)) ?? "other";
}

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
