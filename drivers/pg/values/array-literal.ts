/**
 * Arrays as the server reads them. The text is the one that the package makes, whose regular expressions hold the event
 * loop for most of a second where a megabyte is nothing but quotes.
 */
import type { PrepareValue } from "./codec.js";

/** Elements that are neither null, arrays nor bytes are made text by `prepareValue`. */
export function arrayLiteral(list: readonly unknown[], prepareValue: PrepareValue): string {
  let literal = "{";
  for (let at = 0; at < list.length; at++) {
    if (at > 0) literal += ",";
    literal += elementText(list[at], prepareValue);
  }
  return `${literal}}`;
}

function elementText(element: unknown, prepareValue: PrepareValue): string {
  if (element === null || element === undefined) return "NULL";
  if (Array.isArray(element)) return arrayLiteral(element, prepareValue);
  if (ArrayBuffer.isView(element)) {
    const { buffer, byteOffset, byteLength } = element;
    return `\\\\x${Buffer.from(buffer, byteOffset, byteLength).toString("hex")}`;
  }
  const text = typeof element === "string" ? element : prepareValue(element);
  if (typeof text !== "string") throw new TypeError("an element of an array has no text");
  return quoted(text);
}

/** With a backslash before each quote and each backslash. */
function quoted(text: string): string {
  if (!text.includes('"') && !text.includes("\\")) return `"${text}"`;
  // JSON writes the same, and V8 writes that fastest. It escapes control characters and halves of surrogates too.
  if (!CONTROL.test(text) && text.isWellFormed()) return JSON.stringify(text);
  return `"${text.split("\\").join("\\\\").split('"').join('\\"')}"`;
}

const CONTROL = /[^ -\uffff]/;
