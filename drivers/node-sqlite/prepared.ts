/** A statement of node:sqlite, with what is expensive to ask for or what the package does not tell. */
import { ProgrammingError } from "../../src/errors/classes.js";
import { firstToken, firstWord, verbOf } from "../blocking/verbs.js";
import { type Placeholders, placeholdersOf, shareNames } from "../sqlite-family/placeholders.js";
import { onlyAsks, type Pragma } from "../sqlite-family/pragmas.js";
import { inserts } from "../sqlite-family/text.js";
import type { DatabaseSync, StatementSync } from "./sqlite.js";

export interface Prepared {
  readonly statement: StatementSync;
  readonly pragma: Pragma | undefined;
  readonly placeholders: Placeholders;
  /** Two of its names differ in their sign only: the package takes them with it. */
  readonly signed: boolean;
  readonly givesRows: boolean;
  readonly readOnly: boolean;
  /** Reads or writes rows: anything else reports the changes of the statement before it. */
  readonly plain: boolean;
  readonly inserts: boolean;
  columns: readonly string[];
}

export function prepare(db: DatabaseSync, sql: string, pragma: Pragma | undefined): Prepared {
  const statement = exactArrays(db.prepare(sql));
  refuseMore(sql.slice(statement.sourceSQL.length));
  const readOnly = onlyAsks(pragma) || onlyReads(db, sql);
  const placeholders = placeholdersOf(sql);
  const signed = shareNames(placeholders);
  if (signed) statement.setAllowBareNamedParameters(false);
  const columns = names(statement);
  return {
    statement,
    pragma,
    placeholders,
    signed,
    givesRows: columns.length > 0,
    readOnly,
    plain: verbOf(sql) === "plain",
    inserts: inserts(sql),
    columns,
  };
}

/** Rows as arrays, and integers as bigints. */
export function exactArrays(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

/** The same array for as long as they are the same: it travels only once. */
export function currentColumns(prepared: Prepared): readonly string[] {
  const now = names(prepared.statement);
  const same =
    now.length === prepared.columns.length && now.every((name, at) => name === prepared.columns[at]);
  if (!same) prepared.columns = now;
  return prepared.columns;
}

function names(statement: StatementSync): readonly string[] {
  return statement.columns().map((column) => column.name);
}

/** node:sqlite would run the first statement and forget the others. */
function refuseMore(rest: string): void {
  if (firstToken(rest).kind === "end") return;
  throw new ProgrammingError("the string holds more than one statement: none was executed");
}

/**
 * As sqlite3_stmt_readonly, which node:sqlite does not show: by the instructions that make it false.
 * @see https://www.sqlite.org/c3ref/stmt_readonly.html
 */
function onlyReads(db: DatabaseSync, sql: string): boolean {
  if (firstWord(sql) === "explain") return true;
  const explained = db.prepare(`EXPLAIN ${sql.slice(firstToken(sql).start)}`);
  explained.setReturnArrays(true);
  return !explained.all().some(([, opcode, , p2]) => {
    if (opcode === "Transaction") return p2 !== 0;
    return opcode === "Checkpoint" || opcode === "Vacuum" || opcode === "JournalMode";
  });
}
