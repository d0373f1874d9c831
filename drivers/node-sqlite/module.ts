/** node:sqlite as a blocking driver: runs in the worker threads. */
import { ProgrammingError } from "../../src/errors.js";
import { MEMORY } from "../better-sqlite3/args.js";
import { StatementCache } from "../better-sqlite3/cache.js";
import { resetPrivate } from "../better-sqlite3/reset.js";
import { inserts } from "../better-sqlite3/text.js";
import type { BlockingConnection, BlockingCursor, BlockingResult } from "../blocking/module.js";
import { firstWord, verbOf } from "../blocking/texts.js";
import type { Params, TransactionOptions } from "../driver.js";
import { stepsWithNamedCode, withNamedCode } from "./errors.js";
import type { NodeSqliteOptions } from "./index.js";
import { type Placeholders, placeholdersOf, spread } from "./placeholders.js";
import { type DatabaseSync, loadNodeSqlite, type StatementSync } from "./sqlite.js";

export { classify } from "./errors.js";

/** How long SQLite waits for another process's lock; node:sqlite's own default is not at all. */
const BUSY_TIMEOUT_MILLIS = 5_000;

export function connect(
  file: string,
  { timeout = BUSY_TIMEOUT_MILLIS, ...options }: NodeSqliteOptions = {},
): BlockingConnection {
  const { DatabaseSync } = loadNodeSqlite();
  return withNamedCode(() => {
    const db = new DatabaseSync(file, options);
    db.exec(`pragma busy_timeout = ${timeout}`);
    return new Connection(db, file === MEMORY, options.readOnly ?? false);
  });
}

interface Prepared {
  readonly statement: StatementSync;
  readonly placeholders: Placeholders;
  readonly givesRows: boolean;
  readonly readOnly: boolean;
  readonly inserts: boolean;
  columns: readonly string[];
}

class Connection implements BlockingConnection {
  readonly reset?: () => void;
  readonly #db: DatabaseSync;
  readonly #statements: StatementCache<Prepared>;
  readonly #lastInsertId: StatementSync;

  constructor(db: DatabaseSync, memory: boolean, readOnly: boolean) {
    this.#db = db;
    this.#statements = new StatementCache((sql) => prepare(db, sql));
    this.#lastInsertId = exactArrays(db.prepare("select last_insert_rowid()"));
    if (memory) this.reset = () => this.#resetInPlace();
    else if (!readOnly) this.#useWal();
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  execute(sql: string, params: Params | undefined): BlockingResult {
    return withNamedCode(() => {
      const prepared = this.#statements.get(sql);
      const { statement, placeholders, givesRows, inserts } = prepared;
      const values = spread(params, placeholders);
      if (!givesRows) {
        const { changes, lastInsertRowid } = statement.run(...values);
        // What creates a table reports the changes of the statement before it.
        const rowCount = verbOf(sql) === "plain" ? Number(changes) : 0;
        return {
          columns: [],
          rows: [],
          rowCount,
          lastInsertId: inserts && rowCount > 0 ? lastInsertRowid : undefined,
        };
      }
      const rows = statement.all(...values);
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
      const { statement, placeholders, givesRows } = this.#statements.get(sql);
      return givesRows
        ? cursor(statement, this.#steps(sql, statement.iterate(...spread(params, placeholders))))
        : undefined;
    });
  }

  /** A statement that failed in a step would throw the same error at its next use, whatever the params: it is not used again. */
  *#steps<T>(sql: string, steps: Iterable<T>): IterableIterator<T> {
    try {
      yield* stepsWithNamedCode(steps);
    } catch (error) {
      this.#statements.forget(sql);
      throw error;
    }
  }

  readOnly(sql: string): boolean {
    return withNamedCode(() => this.#statements.get(sql).readOnly);
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

  #useWal(): void {
    try {
      this.#db.exec("pragma journal_mode = wal");
    } catch {
      // Another process may hold the file in its old mode, or the file system cannot share memory: slower, as correct.
    }
  }

  #resetInPlace(): void {
    this.#statements.clear();
    resetPrivate(this.#db);
  }
}

function prepare(db: DatabaseSync, sql: string): Prepared {
  const statement = exactArrays(db.prepare(sql));
  refuseMore(sql.slice(statement.sourceSQL.length));
  const readOnly = onlyReads(db, sql);
  const columns = names(statement);
  return {
    statement,
    placeholders: placeholdersOf(sql),
    givesRows: columns.length > 0,
    readOnly,
    inserts: inserts(sql),
    columns,
  };
}

/** node:sqlite would run the first statement and forget the others. */
function refuseMore(rest: string): void {
  if (/^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*$/.test(rest)) return;
  throw new ProgrammingError("the string holds more than one statement: none was executed");
}

/**
 * As sqlite3_stmt_readonly, which node:sqlite does not show: by the instructions that make it false.
 * @see https://www.sqlite.org/c3ref/stmt_readonly.html
 */
function onlyReads(db: DatabaseSync, sql: string): boolean {
  if (firstWord(sql) === "explain") return true;
  const explained = db.prepare(`EXPLAIN ${sql}`);
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
function cursor(statement: StatementSync, rows: IterableIterator<unknown[]>): BlockingCursor {
  return {
    rows,
    get columns() {
      return names(statement);
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
