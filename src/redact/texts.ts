/** The texts that a server could show of the params of a statement. */

/** Nothing beyond is shown whole by any server. */
const MOST_BYTES = 4_096;

/**
 * Hands each text to `add` until that says that it is enough: strings as they are, numbers in digits, dates by their
 * parts, bytes as text, in hex and in base64, and what lists, lists of lists and objects hold. No getter of a caller's
 * is called: params were copied when they were bound.
 */
export function eachText(params: unknown, add: (text: string) => boolean): void {
  const seen = new Set<object>();
  const stack: unknown[] = [params];
  let enough = false;
  const say = (text: string) => {
    enough ||= !add(text);
  };
  while (stack.length > 0 && !enough) {
    const value = stack.pop();
    if (typeof value === "string") say(value);
    else if (typeof value === "number" || typeof value === "bigint") say(String(value));
    else if (typeof value !== "object" || value === null || seen.has(value)) continue;
    else if (value instanceof Date) sayDate(value, say);
    else if (ArrayBuffer.isView(value)) sayBytes(value, say);
    else {
      seen.add(value);
      for (const [name, inner] of Object.entries(value)) {
        if (!Array.isArray(value)) say(name);
        stack.push(inner);
      }
    }
  }
}

/** In UTC and in local time. */
function sayDate(date: Date, say: (text: string) => void): void {
  if (Number.isNaN(date.getTime())) return;
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  for (const iso of [date.toISOString(), local.toISOString()]) {
    say(iso.slice(0, 10));
    say(iso.slice(11, 19));
  }
}

function sayBytes(view: ArrayBufferView, say: (text: string) => void): void {
  const bytes = Buffer.from(view.buffer, view.byteOffset, Math.min(view.byteLength, MOST_BYTES));
  const hex = bytes.toString("hex");
  say(bytes.toString("utf8"));
  say(bytes.toString("base64"));
  say(hex);
  say(`x${hex}`); // PostgreSQL writes \x7a71
}
