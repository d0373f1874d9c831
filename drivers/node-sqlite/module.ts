/** node:sqlite as a blocking driver: runs in the worker threads. */
import { pathToFileURL } from "node:url";
import { ProgrammingError } from "../../src/errors/classes.js";
import { refuseUnreadable } from "../better-sqlite3/errors.js";
import type { BlockingConnection, BlockingCursor, BlockingResult } from "../blocking/module.js";
import { firstToken, firstWord, verbOf } from "../blocking/thread/texts.js";
import type { Params, TransactionOptions } from "../driver.js";
import { MEMORY } from "../sqlite-family/args.js";
import { type KnownFile, openFile } from "../sqlite-family/file.js";
import { exact } from "../sqlite-family/params.js";
import {
  checkParams,
  hasNumbers,
  isNumbered,
  type Placeholders,
  placeholdersOf,
  shareNames,
} from "../sqlite-family/placeholders.js";
import { admitPragma, type Pragma, pragmaOf } from "../sqlite-family/pragmas.js";
import { PrivateSession } from "../sqlite-family/reset.js";
import { StatementCache } from "../sqlite-family/statement-cache.js";
import { inserts } from "../sqlite-family/text.js";
import { stepsWithNamedCode, withNamedCode } from "./errors.js";
import type { NodeSqliteOptions } from "./index.js";
import { type DatabaseSync, loadNodeSqlite, type StatementSync } from "./sqlite.js";

export { classify } from "./errors.js";

/** How long SQLite waits for another process's lock; node:sqlite's own default is not at all. */
const BUSY_TIMEOUT_MILLIS = 5_000;

/** @param known the pool's file, where it has been opened before */
export function connect(
  file: string,
  { timeout = BUSY_TIMEOUT_MILLIS, ...options }: NodeSqliteOptions = {},
  known?: KnownFile,
): BlockingConnection {
  const { DatabaseSync } = loadNodeSqlite();
  const readOnly = options.readOnly ?? false;
  return openFile(
    file,
    known,
    (mustExist) =>
      withNamedCode(() => new DatabaseSync(mustExist && !readOnly ? existing(file) : file, options)),
    (db) =>
      withNamedCode(() => {
        db.exec(`pragma busy_timeout = ${timeout}`);
        return new Connection(db, file === MEMORY, readOnly);
      }),
  );
}

/** node:sqlite has no option for it, but takes SQLite's own URIs. */
function existing(file: string): URL {
  const url = pathToFileURL(file);
  url.search = "?mode=rw";
  return url;
}

interface Prepared {
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

class Connection implements BlockingConnection {
  readonly reset?: () => void;
  readonly #db: DatabaseSync;
  readonly #statements: StatementCache<Prepared>;
  readonly #lastInsertId: StatementSync;
  readonly #numbers: boolean;
  /** Of a database that nobody else can open. */
  readonly #private: PrivateSession | undefined;

  constructor(db: DatabaseSync, memory: boolean, readOnly: boolean) {
    this.#db = db;
    this.#statements = new StatementCache((sql) => this.#prepare(sql));
    this.#lastInsertId = exactArrays(db.prepare("select last_insert_rowid()"));
    this.#numbers = bindsNumbers(db);
    if (memory) {
      this.#private = new PrivateSession(db);
      this.reset = () => this.#resetInPlace();
    } else lookAt(db, readOnly);
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  execute(sql: string, params: Params | undefined): BlockingResult {
    return withNamedCode(() => {
      const prepared = this.#prepared(sql);
      const { statement, givesRows, inserts } = prepared;
      const values = this.#values(params, prepared);
      if (!givesRows) {
        const { changes, lastInsertRowid } = statement.run(...values);
        const rowCount = prepared.plain ? Number(changes) : 0;
        return {
          columns: [],
          rows: [],
          rowCount,
          lastInsertId: inserts && rowCount > 0 ? lastInsertRowid : undefined,
        };
      }
      // One by one: a thread that is out of memory ends in JavaScript's own code alone; inside of one long native call
      // the process would.
      const rows = [...this.#steps(sql, statement.iterate(...values))];
      const lastInsertId = inserts && rows.length > 0 ? this.#lastInsertId.all()[0]![0] : undefined;
      return {
        columns: currentColumns(prepared),
        rows,
        rowCount: rows.length,
        lastInsertId: lastInsertId as bigint | undefined,
      };
    });
  }

  iterate(sql: string, params: Params | undefined): BlockingCursor | undefined {
    return withNamedCode(() => {
      const prepared = this.#prepared(sql);
      if (!prepared.givesRows) return undefined;
      const steps = prepared.statement.iterate(...this.#values(params, prepared));
      return cursor(prepared, this.#steps(sql, steps));
    });
  }

  /**
   * A statement that failed in a step would throw the same error at its next use, whatever the params: it is not used
   * again.
   */
  *#steps<T>(sql: string, steps: IterableIterator<T>): IterableIterator<T> {
    try {
      yield* stepsWithNamedCode(steps);
    } catch (error) {
      this.#statements.forget(sql);
      throw error;
    }
  }

  readOnly(sql: string): boolean {
    return withNamedCode(() => this.#prepared(sql).readOnly);
  }

  begin({ readOnly }: TransactionOptions): void {
    withNamedCode(() => this.#db.exec(readOnly ? "BEGIN" : "BEGIN IMMEDIATE"));
  }

  commit(): void {
    withNamedCode(() => this.#db.exec("COMMIT"));
  }

  rollback(): void {
    withNamedCode(() => this.#db.exec("ROLLBACK"));
  }

  close(): void {
    this.#db.close();
  }

  /** Many a PRAGMA takes effect while it is prepared: what may not be is refused before. */
  #prepare(sql: string): Prepared {
    const pragma = pragmaOf(sql);
    this.#admit(pragma);
    return prepare(this.#db, sql, pragma);
  }

  #prepared(sql: string): Prepared {
    const prepared = this.#statements.get(sql);
    this.#admit(prepared.pragma);
    return prepared;
  }

  #admit(pragma: Pragma | undefined): void {
    if (pragma !== undefined) admitPragma(pragma, this.#db.isTransaction, this.#private?.unrestorable);
  }

  /** The arguments of the package's calls, which bind NULL for what is missing. */
  #values(params: Params | undefined, { placeholders, signed }: Prepared): unknown[] {
    checkParams(params, placeholders);
    if (params === undefined) return [];
    const values = exact(params);
    if (!Array.isArray(values)) return [signed ? withSigns(values, placeholders) : values];
    return this.#numbers || !hasNumbers(placeholders) ? values : byNumber(values, placeholders);
  }

  #resetInPlace(): void {
    this.#statements.clear();
    this.#private?.reset();
  }
}

/** Whether a list fills numbered params too; versions before 24.21 take them by name only. */
function bindsNumbers(db: DatabaseSync): boolean {
  try {
    return db.prepare("select ?1").all(1).length === 1;
  } catch {
    return false;
  }
}

function withSigns(values: Params, placeholders: Placeholders): Params {
  const named = placeholders.filter((one) => one !== undefined);
  return Object.fromEntries(named.map((one) => [one, (values as Record<string, unknown>)[one.slice(1)]]));
}

function byNumber(values: readonly unknown[], placeholders: Placeholders): unknown[] {
  const numbered = placeholders.flatMap((one, at) => (isNumbered(one) ? [[one, values[at]]] : []));
  const others = values.filter((_, at) => !isNumbered(placeholders[at]));
  return [Object.fromEntries(numbered), ...others];
}

/**
 * Whether there is a database at all in the file, and the mode in which readers and the writer do not wait for each
 * other.
 */
function lookAt(db: DatabaseSync, readOnly: boolean): void {
  try {
    withNamedCode(() => db.exec(readOnly ? "pragma schema_version" : "pragma journal_mode = wal"));
  } catch (error) {
    refuseUnreadable(error);
  }
}

function prepare(db: DatabaseSync, sql: string, pragma: Pragma | undefined): Prepared {
  const statement = exactArrays(db.prepare(sql));
  refuseMore(sql.slice(statement.sourceSQL.length));
  const readOnly = onlyReads(db, sql);
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

function exactArrays(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

/** The names are right once the first row has been asked for: SQLite notices only then that the schema has changed. */
function cursor(prepared: Prepared, rows: IterableIterator<unknown[]>): BlockingCursor {
  return {
    rows,
    get columns() {
      return currentColumns(prepared);
    },
  };
}

/** The same array for as long as they are the same: it travels only once. */
function currentColumns(prepared: Prepared): readonly string[] {
  const now = names(prepared.statement);
  const same =
    now.length === prepared.columns.length && now.every((name, at) => name === prepared.columns[at]);
  if (!same) prepared.columns = now;
  return prepared.columns;
}

function names(statement: StatementSync): readonly string[] {
  return statement.columns().map((column) => column.name);
}
