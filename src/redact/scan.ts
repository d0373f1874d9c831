/** Where words begin and end in a text that is shown, and what stands around them. */

/** No word that is asked for is longer. */
const LONGEST = 60;

/** The word that stands in front with one blank between, in lower case; empty where there is none. */
export function wordBefore(text: string, at: number): string {
  if (text[at - 1] !== " ") return "";
  let start = at - 1;
  while (start > 0 && isWordCode(text.charCodeAt(start - 1)) && at - start < LONGEST) start--;
  return text.slice(start, at - 1).toLowerCase();
}

export function hasBlank(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (isBlank(text.charCodeAt(at))) return true;
  return false;
}

/** Nothing but marks and blanks: no word that stays, and no end of a line. */
export function onlyMarks(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 10 || isWordCode(code)) return false;
  }
  return true;
}

export function isNumber(word: string): boolean {
  for (let at = 0; at < word.length; at++) {
    const code = word.charCodeAt(at);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

export function quoteAfter(quote: string, char: string): string {
  if (char !== '"' && char !== "'") return quote;
  if (quote === "") return char;
  return quote === char ? "" : quote;
}

export function isQuote(char: string | undefined): boolean {
  return char === '"' || char === "'";
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** Letters, digits and `_`; beyond ASCII all but the usual marks, such as the quotes of other languages. */
function isWordCode(code: number): boolean {
  if (code < 128) {
    return (
      (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95
    );
  }
  return code > 0xbf && !(code >= 0x2000 && code <= 0x206f) && !(code >= 0x3000 && code <= 0x303f);
}

/**
 * Every word with a hash of its lower case; `prefix` hears of its beginnings, where one of these lengths is reached.
 * ASCII and other letters make words of their own: a server may write `?` for what its messages cannot hold.
 */
export function eachWord(
  text: string,
  whole: (start: number, end: number, hash: number) => void,
  prefix?: (start: number, end: number, hash: number) => void,
  lengths?: ReadonlySet<number>,
): void {
  const prefixes = prefix !== undefined && lengths !== undefined && lengths.size > 0 ? prefix : undefined;
  const length = text.length;
  for (let at = 0; at < length; at++) {
    let code = text.charCodeAt(at);
    if (!isWordCode(code)) continue;
    const start = at;
    const ascii = code < 128;
    let hash = 0;
    do {
      // Good enough for a hash of letters beyond ASCII too: theirs is compared by the text.
      hash = (Math.imul(hash, 31) + (code < 128 ? code | 32 : 128)) | 0;
      code = text.charCodeAt(++at);
      if (prefixes !== undefined && isWordCode(code)) prefixes(start, at, hash);
    } while (at < length && isWordCode(code) && code < 128 === ascii);
    whole(start, at, hash);
    at--;
  }
}
