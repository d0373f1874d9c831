/**
 * Finds in what is about to be shown the words that come from secrets. Words, since servers show values whole, in
 * pieces, escaped, in lower case or cut: a word survives all of that but the cut. The time grows with the lengths of
 * the texts, never with their product.
 */
import { Digits } from "./digits.js";
import { REMOVED } from "./removed.js";
import { eachWord, hasBlank, isNumber, isQuote, onlyMarks, quoteAfter, wordBefore } from "./scan.js";
import { VOCABULARY } from "./vocabulary.js";

/**
 * So much of the secrets is looked at; of a statement with more, all words are hidden that are not known to be
 * harmless.
 */
const MOST_SECRET = 250_000;

/** A shorter word outside of quotes may be part of any sentence, and a shorter number any line's. */
const TELLING = 4;

/** Servers cut long names and values without a mark. */
const LONG = 60;

/** Numbers behind these are places and sizes; short names in quotes behind these are the schema's. */
const COUNTING = new Set(
  "line row rows column character position no conn errno sqlstate param parameter".split(" "),
);
const NAMING = new Set(
  "column constraint database function index key relation schema table trigger type".split(" "),
);

const QUOTED = /"[^"]*"|'[^']*'/g;

/** A word of the texts to show, by its lower case. */
interface Word {
  readonly text: string;
  /** Somewhere it stands where servers cut: its secret may go on. */
  cut: boolean;
  secret: boolean;
  /** A name in the SQL or of the schema, which is no secret. */
  named: boolean;
}

/** One occurrence of a word. */
interface Occurrence {
  readonly word: Word;
  readonly start: number;
  readonly end: number;
}

export class Words {
  readonly #words = new Map<string, Word>();
  /** Most words of a secret are no word of the message: their text is not even cut out. */
  readonly #hashes = new Set<number>();
  readonly #cutLengths = new Set<number>();
  /** Short secrets as they are: `$1` between quotes has no word that would tell. */
  readonly #whole = new Set<string>();
  readonly #digits = new Digits();
  #longest = 0;
  #left = MOST_SECRET;

  /** @param shown every text that `clean` is going to be asked for */
  constructor(shown: Iterable<string>) {
    for (const text of shown) eachWord(text, (start, end, hash) => this.#add(text, start, end, hash));
  }

  /** Of too many characters the rest stays unknown: then `clean` hides what is not known to be harmless. */
  addSecret(text: string): void {
    if (this.#left <= 0) return;
    const looked = text.length > this.#left ? text.slice(0, this.#left) : text;
    this.#left -= text.length + 1;
    if (text.length < LONG) this.#whole.add(text);
    this.#digits.add(text);
    this.#mark(looked, (word) => {
      word.secret = true;
    });
  }

  get full(): boolean {
    return this.#left <= 0;
  }

  /** Words of these are no secret by themselves. */
  addNames(text: string): void {
    this.#mark(text, (word) => {
      word.named = true;
    });
  }

  clean(shown: string): string {
    const parts = shown.replace(QUOTED, (part, at: number) =>
      this.#whole.has(part.slice(1, -1)) && !this.#isName(part, wordBefore(shown, at))
        ? part[0] + REMOVED + part[0]
        : part,
    );
    const text = this.#digits.clean(
      parts,
      (number, at) => this.#named(number) || COUNTING.has(wordBefore(parts, at)),
    );
    const hidden = this.#hidden(text);
    let clean = "";
    let from = 0;
    for (const { start, end } of hidden) {
      // What stands between two that are hidden is hidden with them, unless a line ends there.
      if (from > 0 && onlyMarks(text, from, start)) from = end;
      else {
        clean += text.slice(from, start) + REMOVED;
        from = end;
      }
    }
    return clean + text.slice(from);
  }

  /**
   * `"email"` behind `column`, where the SQL or the error says that there is one: the message is about it, whatever the
   * params are.
   */
  #isName(part: string, before: string): boolean {
    return NAMING.has(before) && this.#named(part.slice(1, -1));
  }

  #named(word: string): boolean {
    return this.#words.get(word.toLowerCase())?.named === true;
  }

  #hidden(text: string): readonly Occurrence[] {
    const all: Occurrence[] = [];
    eachWord(text, (start, end, hash) => {
      const word = this.#find(text, start, end, hash);
      if (word !== undefined) all.push({ word, start, end });
    });
    const hidden = new Set<Occurrence>();
    let quote = "";
    let at = 0;
    for (const [index, occurrence] of all.entries()) {
      for (; at < occurrence.start; at++) quote = quoteAfter(quote, text[at]!);
      const before = all[index - 1]?.word.text ?? "";
      const quoted = quote !== "" || isQuote(text[occurrence.start - 1]) || isQuote(text[occurrence.end]);
      if (this.#isSecret(occurrence.word, quoted, before)) hidden.add(occurrence);
    }
    spread(text, all, hidden);
    spread(text, all.toReversed(), hidden);
    fill(all, hidden);
    return [...hidden].sort((a, b) => a.start - b.start);
  }

  #isSecret({ text, secret, named }: Word, quoted: boolean, before: string): boolean {
    if (named || !(secret || this.full)) return false;
    if (isNumber(text)) return quoted || (text.length >= TELLING && !COUNTING.has(before));
    if (quoted) return text.length >= TELLING || !NAMING.has(before);
    return !VOCABULARY.has(text) && text.length >= TELLING;
  }

  #add(text: string, start: number, end: number, hash: number): void {
    let word = this.#find(text, start, end, hash);
    if (word === undefined) {
      word = { text: text.slice(start, end).toLowerCase(), cut: false, secret: false, named: false };
      this.#words.set(word.text, word);
      this.#hashes.add(hash);
      this.#longest = Math.max(this.#longest, word.text.length);
    }
    if (word.cut || !mayBeCut(text, start, end)) return;
    word.cut = true;
    this.#cutLengths.add(word.text.length);
  }

  #find(text: string, start: number, end: number, hash: number): Word | undefined {
    return this.#hashes.has(hash) ? this.#words.get(text.slice(start, end).toLowerCase()) : undefined;
  }

  /**
   * Calls `mark` for each of the words that the text holds, or that a word of the text begins with where servers cut.
   */
  #mark(text: string, mark: (word: Word) => void): void {
    const longest = this.#longest;
    eachWord(
      text,
      (start, end, hash) => {
        if (end - start > longest) return;
        const word = this.#find(text, start, end, hash);
        if (word !== undefined) mark(word);
      },
      (start, end, hash) => {
        if (!this.#cutLengths.has(end - start)) return;
        const word = this.#find(text, start, end, hash);
        if (word?.cut === true) mark(word);
      },
      this.#cutLengths,
    );
  }
}

/** What belongs to a hidden word, since no blank parts them and it comes from a secret too: `zq` of `zq.person`. */
function spread(text: string, all: readonly Occurrence[], hidden: Set<Occurrence>): void {
  let last: Occurrence | undefined;
  for (const occurrence of all) {
    if (
      last !== undefined &&
      hidden.has(last) &&
      occurrence.word.secret &&
      !hasBlank(text, Math.min(last.end, occurrence.end), Math.max(last.start, occurrence.start))
    )
      hidden.add(occurrence);
    last = occurrence;
  }
}

/**
 * Between two hidden words those that come from secrets too are hidden, whatever they are: `long` of "a long secret".
 */
function fill(all: readonly Occurrence[], hidden: Set<Occurrence>): void {
  let between: Occurrence[] | undefined;
  for (const occurrence of all) {
    if (hidden.has(occurrence)) {
      for (const one of between ?? []) hidden.add(one);
      between = [];
    } else if (occurrence.word.secret) between?.push(occurrence);
    else between = undefined;
  }
}

function mayBeCut(text: string, start: number, end: number): boolean {
  const length = end - start;
  if (length < TELLING) return false;
  return (
    length >= LONG ||
    end === text.length ||
    isQuote(text[end]) ||
    text[end] === "…" ||
    text.startsWith("...", end)
  );
}
