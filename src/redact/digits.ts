/**
 * Numbers by their first digits: a float travels as eight bytes or becomes one at the server, which writes it with an
 * exponent of its own form, in digits alone (NUMERIC) or rounded (FLOAT), and leaves away the zeros in front of a
 * text's number.
 */
import { REMOVED } from "./removed.js";

/** Fewer would be those of many a number. FLOAT keeps one more. */
const TELLING = 5;
const KEPT_BY_FLOAT = 6;

/** No number that a server takes is written longer, but for blobs of digits, whose beginning tells. */
const LONGEST = 400;

const NUMBER = /(?<!\w)\d+(?:[.,]\d+)*(?:e[+-]?\d{1,3})?/gi;

export class Digits {
  readonly #first = new Set<string>();

  /** Any text: one that is no number has none. */
  add(text: string): void {
    if (text.length < TELLING || text.length > LONGEST) return;
    const value = Number(text);
    if (!Number.isFinite(value)) return;
    for (const written of [text, value.toPrecision(KEPT_BY_FLOAT)]) {
      const first = firstDigits(written);
      if (first !== undefined) this.#first.add(first);
    }
  }

  /** The text without the numbers that begin as one of those that were added; `stays` is asked of those that do. */
  clean(text: string, stays: (number: string, at: number) => boolean): string {
    if (this.#first.size === 0) return text;
    return text.replace(NUMBER, (number, at: number) => {
      const first = firstDigits(number);
      return first === undefined || !this.#first.has(first) || stays(number, at) ? number : REMOVED;
    });
  }
}

/** Without sign, point, exponent and the zeros in front; undefined where there are too few. */
function firstDigits(number: string): string | undefined {
  let first = "";
  for (let at = 0; at < number.length && first.length < TELLING; at++) {
    const character = number[at]!;
    if (character === "e" || character === "E") break;
    if (character >= "0" && character <= "9" && (first !== "" || character !== "0")) first += character;
  }
  return first.length < TELLING ? undefined : first;
}
