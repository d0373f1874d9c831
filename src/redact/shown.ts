/** What is shown of a message: its beginning. */

/** More of a message is not read. */
const MOST_SHOWN = 10_000;

export function shownLength(text: string): number {
  return Math.min(text.length, MOST_SHOWN);
}

/** Says how much more of the text there was; empty where all is shown. */
export function restOf(text: string): string {
  return text.length > MOST_SHOWN ? `… (${text.length - MOST_SHOWN} more characters)` : "";
}

export function shortened(text: string): string {
  return text.length > MOST_SHOWN ? text.slice(0, MOST_SHOWN) + restOf(text) : text;
}
