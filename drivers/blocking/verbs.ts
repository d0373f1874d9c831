/** The first word of a text, and what it says of the statement. */
import { Tokens } from "./tokens.js";

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

export function verbOf(sql: string): Verb {
  return VERBS.get(firstWord(sql)) ?? "other";
}

/** In lower case, after comments and empty statements; empty when the text begins with no keyword. */
export function firstWord(sql: string): string {
  return wordAt(firstToken(sql));
}

/** No keyword is longer. */
const LONGEST_WORD = 20;

/** The same of the piece where the reader is. */
export function wordAt(tokens: Tokens): string {
  return tokens.kind === "word" && tokens.end - tokens.start <= LONGEST_WORD ? tokens.name : "";
}

/** A reader at the first piece that is no empty statement. */
export function firstToken(sql: string): Tokens {
  const tokens = new Tokens(sql);
  do tokens.next();
  while (tokens.is(";"));
  return tokens;
}
