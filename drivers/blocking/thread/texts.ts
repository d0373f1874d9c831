/** What this thread knows of the texts that it was given last. */
import { KnownTexts, Pace, type PaceRule } from "../../../src/statement/text-statistics.js";
import { type Verb, verbOf } from "../verbs.js";

/** Slow runs count at once, and are forgotten slowly. */
const SLOWEST: PaceRule = { enoughRuns: 1, estimate: (before, millis) => Math.max(millis, before * 0.75) };

/** Texts known at once. */
const TEXTS = 512;

export class Text extends Pace {
  readonly verb: Verb;
  /** Once the module has said so. */
  readOnly: boolean | undefined;
  /** It wrote, and its rows were more than one piece once. */
  returnsMany = false;

  constructor(sql: string) {
    super(SLOWEST);
    this.verb = verbOf(sql);
  }

  /** Whether its rows may be taken one by one: the module must have said what the text does. */
  get steps(): boolean {
    return this.readOnly === true || (this.readOnly === false && this.verb === "plain");
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

export class Texts {
  readonly #known = new KnownTexts<Text>(TEXTS);

  of(sql: string): Text {
    const known = this.#known.get(sql);
    if (known !== undefined) return known;
    const text = new Text(sql);
    this.#known.add(sql, text);
    return text;
  }
}
