/** Arrays as the server writes them. */
import type { ParseText } from "./codec.js";

const QUOTE = '"';
const BACKSLASH = "\\";

/** An array's text as arrays in arrays; each element that is not NULL is read by `parse`. The text is read once. */
export function parseArray(text: string, parse: ParseText, delimiter = ","): unknown[] {
  // Lower bounds that are not 1 stand in front: "[0:1]={7,8}".
  let at = text[0] === "[" ? text.indexOf("=") + 1 : 0;
  const outer: unknown[] = [];
  const open: unknown[][] = [outer];
  while (at < text.length) {
    const character = text[at];
    if (character === "{") {
      const inner: unknown[] = [];
      open.at(-1)!.push(inner);
      open.push(inner);
      at++;
    } else if (character === "}") {
      open.pop();
      at++;
    } else if (character === delimiter) {
      at++;
    } else if (character === QUOTE) {
      const end = closingQuote(text, at + 1);
      open.at(-1)!.push(parse(unescaped(text.slice(at + 1, end))));
      at = end + 1;
    } else {
      const end = elementEnd(text, at, delimiter);
      const element = text.slice(at, end);
      open.at(-1)!.push(element === "NULL" ? null : parse(unescaped(element)));
      at = end;
    }
  }
  return outer[0] as unknown[];
}

/** Whether a text may be that of an array: most others are told by their first character. */
export function looksLikeArray(text: string): boolean {
  return text.startsWith("{") || (text.startsWith("[") && text.includes("]={"));
}

function closingQuote(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}

function elementEnd(text: string, from: number, delimiter: string): number {
  let at = from;
  while (at < text.length && text[at] !== "}" && text[at] !== delimiter) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}

function unescaped(text: string): string {
  return text.includes(BACKSLASH) ? text.replace(/\\(.)/gs, "$1") : text;
}
