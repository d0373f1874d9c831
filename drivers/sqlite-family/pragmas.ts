/** SQLite's PRAGMAs: which one a text is, and what may not be done with it. @see https://www.sqlite.org/pragma.html */
import { NotSupportedError, ProgrammingError } from "../../src/errors/classes.js";
import type { Tokens } from "../blocking/tokens.js";
import { firstToken } from "../blocking/verbs.js";

export interface Pragma {
  /** In lower case, without its schema. */
  readonly name: string;
  /** Whether it is given a value. */
  readonly sets: boolean;
}

/** Undefined when the text is none. Behind EXPLAIN too: SQLite sets many of them while it prepares the text. */
export function pragmaOf(sql: string): Pragma | undefined {
  const tokens = firstToken(sql);
  let keyword = false;
  for (const word of ["explain", "query", "plan", "pragma"]) {
    keyword = isWord(tokens, word);
    if (keyword) tokens.next();
  }
  if (!keyword) return undefined;
  let name = nameAt(tokens);
  tokens.next();
  if (tokens.is(".")) {
    tokens.next();
    name = nameAt(tokens);
    tokens.next();
  }
  return name === undefined ? undefined : { name, sets: tokens.is("=") || tokens.is("(") };
}

function isWord(tokens: Tokens, word: string): boolean {
  return tokens.kind === "word" && tokens.end - tokens.start === word.length && tokens.name === word;
}

/** No name of a PRAGMA is longer. */
const LONGEST_NAME = 100;

function nameAt(tokens: Tokens): string | undefined {
  const named = tokens.kind === "word" || tokens.kind === "quoted";
  return named && tokens.end - tokens.start <= LONGEST_NAME ? tokens.name : undefined;
}

/** Whether it asks for a value alone, where SQLite says "may write" of asking and of setting alike. */
export function onlyAsks(pragma: Pragma | undefined): boolean {
  return pragma?.name === "journal_mode" && !pragma.sets;
}

const NOT_IN_TRANSACTION: ReadonlyMap<string, string> = new Map([
  ["foreign_keys", "ignores it"],
  ["journal_mode", "ignores or refuses it"],
  ["page_size", "ignores it"],
  ["auto_vacuum", "ignores it"],
  ["synchronous", "refuses it"],
  ["temp_store", "refuses it"],
  ["temp_store_directory", "refuses it"],
  ["data_store_directory", "refuses it"],
  ["wal_checkpoint", "refuses it"],
]);

/**
 * Throws where SQLite would ignore the PRAGMA without an error, or where it would last for the next taker of the
 * session too.
 */
export function admitPragma(
  { name, sets }: Pragma,
  inTransaction: boolean,
  unrestorable: ReadonlySet<string> | undefined,
): void {
  if (sets && unrestorable?.has(name))
    throw new NotSupportedError(
      `pragma ${name} cannot be taken back, and the next taker of this private database would have to live with it: use a file`,
    );
  const does = inTransaction ? NOT_IN_TRANSACTION.get(name) : undefined;
  if (does === undefined || !(sets || name === "wal_checkpoint")) return;
  throw new ProgrammingError(
    `pragma ${name} has no effect inside of a transaction: SQLite ${does} there. Run it in openfun, before the first other ` +
      "statement of runWithConnection, or after its commit",
  );
}
