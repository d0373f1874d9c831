/** better-sqlite3 as a blocking driver: runs in the worker threads. */
import type { Database, Options, Statement } from "better-sqlite3";
import type { BlockingConnection, BlockingCursor, BlockingResult } from "../blocking/module.js";
import { firstWord, verbOf } from "../blocking/thread/texts.js";
import type { Params, TransactionOptions } from "../driver.js";
import { type KnownFile, openFile } from "../sqlite-family/file.js";
import { exact } from "../sqlite-family/params.js";
import { checkParams, hasNumbers, type Placeholders, placeholdersOf } from "../sqlite-family/placeholders.js";
import { admitPragma, type Pragma, pragmaOf } from "../sqlite-family/pragmas.js";
import { PrivateSession } from "../sqlite-family/reset.js";
import { StatementCache } from "../sqlite-family/statement-cache.js";
import { inserts } from "../sqlite-family/text.js";
import { refuseUnreadable } from "./errors.js";
import { loadPackage } from "./package.js";

export { classify } from "./errors.js";

/** How long SQLite waits for another process's lock. better-sqlite3's own default, made visible. */
const BUSY_TIMEOUT_MILLIS = 5_000;

/** @param known the pool's file, where it has been opened before */
export function connect(file: string, options: Options = {}, known?: KnownFile): BlockingConnection {
  const Driver = loadPackage();
  const settings = { timeout: BUSY_TIMEOUT_MILLIS, ...options };
  return openFile(
    file,
    known,
    (mustExist) => new Driver(file, mustExist ? { ...settings, fileMustExist: true } : settings),
    (db) => new Connection(db),
  );
}

/** A statement with what is dear to ask for. */
class Prepared {
  readonly statement: Statement<unknown[], unknown[]>;
  /** Known once params were given. */
  #placeholders: Placeholders | undefined;
  #numbered = false;
  readonly pragma: Pragma | undefined;
  readonly inserts: boolean;
  /** Reads or writes rows, and leaves it alone which tables there are. */
  readonly plain: boolean;
  /** Of the schema that `schema` numbers. */
  columns: readonly string[] | undefined;
  schema: number | undefined;

  constructor(statement: Statement<unknown[], unknown[]>, pragma: Pragma | undefined) {
    this.pragma = pragma;
    this.statement = statement.reader ? statement.raw().safeIntegers() : statement.safeIntegers();
    this.inserts = inserts(statement.source);
    this.plain = verbOf(statement.source) === "plain";
  }

  /**
   * The arguments of the package's calls: it refuses a list that is too short or too long, and ignores names that have
   * no place.
   */
  values(params: Params): unknown[] {
    if (this.#placeholders === undefined) {
      this.#placeholders = placeholdersOf(this.statement.source);
      this.#numbered = hasNumbers(this.#placeholders);
    }
    if (Array.isArray(params) && !this.#numbered) return [exact(params)];
    checkParams(params, this.#placeholders);
    return byName(exact(params), this.#placeholders);
  }
}

/** The package takes what has a number by its name, and what has neither as a list. */
function byName(params: Params, placeholders: Placeholders): unknown[] {
  const values = Array.isArray(params) ? params : placeholders.map(() => null);
  const unnamed = values.filter((_, at) => !isNamed(placeholders[at]));
  if (!Array.isArray(params)) return unnamed.length > 0 ? [unnamed, params] : [params];
  const named = placeholders.flatMap((one, at) => (isNamed(one) ? [[one.slice(1), values[at]]] : []));
  return [unnamed, Object.fromEntries(named)];
}

function isNamed(placeholder: string | undefined): placeholder is string {
  return placeholder !== undefined && placeholder !== "?";
}

class Connection implements BlockingConnection {
  readonly reset?: () => void;
  readonly #db: Database;
  readonly #statements: StatementCache<Prepared>;
  /** Of a database that nobody else can open. */
  readonly #private: PrivateSession | undefined;
  readonly #schemaVersion: Statement<[], number>;
  readonly #lastInsertId: Statement<[], bigint>;
  /** Known while a transaction that has not written holds it still. */
  #schema: number | undefined;
  /**
   * Whether there is no database but `main`, of whose schema alone the number tells; undefined when that may have
   * changed.
   */
  #alone: boolean | undefined;
  /** The open transaction may have changed the schema: rolled back, it would give its number to another. */
  #unsettled = false;

  constructor(db: Database) {
    this.#db = db;
    if (!db.memory) lookAt(db);
    this.#statements = new StatementCache((sql) => this.#prepare(sql));
    this.#schemaVersion = db.prepare<[], number>("pragma schema_version").pluck();
    this.#lastInsertId = db.prepare<[], bigint>("select last_insert_rowid()").pluck().safeIntegers();
    if (db.memory) {
      this.#private = new PrivateSession(db);
      this.reset = () => this.#resetInPlace();
    }
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  execute(sql: string, params: Params | undefined): BlockingResult {
    const prepared = this.#prepared(sql);
    const { statement } = prepared;
    if (!statement.readonly) this.#schema = undefined;
    if (!prepared.plain) {
      this.#alone = undefined;
      this.#unsettled = true;
    }
    if (!statement.reader) {
      const { changes, lastInsertRowid } =
        params === undefined ? statement.run() : statement.run(...prepared.values(params));
      const inserted = prepared.inserts && changes > 0;
      return {
        columns: [],
        rows: [],
        rowCount: changes,
        lastInsertId: inserted ? lastInsertRowid : undefined,
      };
    }
    const rows = params === undefined ? statement.all() : statement.all(...prepared.values(params));
    return {
      columns: this.#columns(prepared),
      rows,
      rowCount: rows.length,
      lastInsertId: prepared.inserts && rows.length > 0 ? this.#lastInsertId.get() : undefined,
    };
  }

  iterate(sql: string, params: Params | undefined): BlockingCursor | undefined {
    const prepared = this.#prepared(sql);
    const { statement } = prepared;
    if (!statement.reader) return undefined;
    const rows = params === undefined ? statement.iterate() : statement.iterate(...prepared.values(params));
    return new Cursor(statement, rows, () => this.#columns(prepared));
  }

  readOnly(sql: string): boolean {
    // EXPLAIN lists what would be done, and SQLite says of it what it says of that.
    return this.#prepared(sql).statement.readonly || firstWord(sql) === "explain";
  }

  begin({ readOnly }: TransactionOptions): void {
    this.#statements.get(readOnly ? "BEGIN" : "BEGIN IMMEDIATE").statement.run();
    this.#schema = undefined;
    this.#unsettled = false;
  }

  commit(): void {
    this.#statements.get("COMMIT").statement.run();
  }

  rollback(): void {
    this.#statements.get("ROLLBACK").statement.run();
  }

  close(): void {
    this.#db.close();
  }

  /** Many a PRAGMA takes effect while it is prepared: what may not be is refused before. */
  #prepare(sql: string): Prepared {
    const pragma = pragmaOf(sql);
    this.#admit(pragma);
    return new Prepared(this.#db.prepare(sql), pragma);
  }

  #prepared(sql: string): Prepared {
    const prepared = this.#statements.get(sql);
    this.#admit(prepared.pragma);
    return prepared;
  }

  #admit(pragma: Pragma | undefined): void {
    if (pragma !== undefined) admitPragma(pragma, this.#db.inTransaction, this.#private?.unrestorable);
  }

  /**
   * Asking for the names costs more than a small query: they are kept for as long as the schema stays as it was. That
   * of temporary tables and of attached files has no number that is as cheap to ask for.
   */
  #columns(prepared: Prepared): readonly string[] {
    if (!this.#db.inTransaction) this.#unsettled = false;
    this.#alone ??= (this.#db.pragma("database_list") as unknown[]).length === 1;
    if (this.#unsettled || !this.#alone) return names(prepared.statement);
    const schema = this.#currentSchema();
    if (prepared.columns === undefined || prepared.schema !== schema) {
      prepared.columns = names(prepared.statement);
      // Another process may have changed it in between: then they are asked for again next time.
      prepared.schema = this.#schemaVersion.get() === schema ? schema : undefined;
    }
    return prepared.columns;
  }

  #currentSchema(): number | undefined {
    if (!this.#db.inTransaction) return this.#schemaVersion.get();
    this.#schema ??= this.#schemaVersion.get();
    return this.#schema;
  }

  #resetInPlace(): void {
    this.#statements.clear();
    this.#private?.reset();
  }
}

/** The names are right once the first row has been asked for: SQLite notices only then that the schema has changed. */
class Cursor implements BlockingCursor, IterableIterator<unknown[]> {
  readonly #statement: Statement<unknown[], unknown[]>;
  readonly #rows: IterableIterator<unknown[]>;
  readonly #namesAfter: () => readonly string[];
  #names: readonly string[] | undefined;
  #state: "open" | "over" = "open";

  /**
   * @param namesAfter gives the same names again where it can: while rows are read, the package refuses whatever else
   * is asked
   */
  constructor(
    statement: Statement<unknown[], unknown[]>,
    rows: IterableIterator<unknown[]>,
    namesAfter: () => readonly string[],
  ) {
    this.#statement = statement;
    this.#rows = rows;
    this.#namesAfter = namesAfter;
  }

  get columns(): readonly string[] {
    this.#names ??= this.#state === "over" ? this.#namesAfter() : names(this.#statement);
    return this.#names;
  }

  get rows(): this {
    return this;
  }

  next(): IteratorResult<unknown[]> {
    const next = this.#rows.next();
    if (next.done) this.#state = "over";
    return next;
  }

  return(): IteratorResult<unknown[]> {
    this.#state = "over";
    return this.#rows.return?.() ?? { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }
}

function names(statement: Statement<unknown[], unknown[]>): readonly string[] {
  return statement.columns().map((column) => column.name);
}

/**
 * Whether there is a database at all in the file, and the mode in which readers and the writer do not wait for each
 * other.
 */
function lookAt(db: Database): void {
  try {
    db.pragma(db.readonly ? "schema_version" : "journal_mode = wal");
  } catch (error) {
    refuseUnreadable(error);
  }
}
