/** better-sqlite3 as a blocking driver: runs in the worker threads. */
import type { Database, Options, Statement } from "better-sqlite3";
import { ProgrammingError } from "../../src/errors.js";
import type { BlockingConnection, BlockingCursor, BlockingResult } from "../blocking/module.js";
import { verbOf } from "../blocking/texts.js";
import type { Params, TransactionOptions } from "../driver.js";
import { StatementCache } from "./cache.js";
import { loadPackage } from "./package.js";
import { exact } from "./params.js";
import { resetPrivate } from "./reset.js";
import { inserts } from "./text.js";

export { classify } from "./errors.js";

/** How long SQLite waits for another process's lock. better-sqlite3's own default, made visible. */
const BUSY_TIMEOUT_MILLIS = 5_000;

export function connect(file: string, options: Options = {}): BlockingConnection {
  const Driver = loadPackage();
  return new Connection(new Driver(file, { timeout: BUSY_TIMEOUT_MILLIS, ...options }));
}

/** A statement with what is dear to ask for. */
class Prepared {
  readonly statement: Statement<unknown[], unknown[]>;
  /** Of its params; known once some were given by name. */
  names: ReadonlySet<string> | undefined;
  readonly inserts: boolean;
  /** Reads or writes rows, and leaves it alone which tables there are. */
  readonly plain: boolean;
  /** Of the schema that `schema` numbers. */
  columns: readonly string[] | undefined;
  schema: number | undefined;

  constructor(statement: Statement<unknown[], unknown[]>) {
    this.statement = statement.reader ? statement.raw().safeIntegers() : statement.safeIntegers();
    this.inserts = inserts(statement.source);
    this.plain = verbOf(statement.source) === "plain";
  }
}

class Connection implements BlockingConnection {
  readonly reset?: () => void;
  readonly #db: Database;
  readonly #statements: StatementCache<Prepared>;
  readonly #schemaVersion: Statement<[], number>;
  readonly #lastInsertId: Statement<[], bigint>;
  /** Known while a transaction that has not written holds it still. */
  #schema: number | undefined;
  /** Whether there is no database but `main`, of whose schema alone the number tells; undefined when that may have changed. */
  #alone: boolean | undefined;
  /** The open transaction may have changed the schema: rolled back, it would give its number to another. */
  #unsettled = false;

  constructor(db: Database) {
    this.#db = db;
    if (!db.readonly && !db.memory) tolerate(() => db.pragma("journal_mode = wal"));
    this.#statements = new StatementCache((sql) => new Prepared(db.prepare(sql)));
    this.#schemaVersion = db.prepare<[], number>("pragma schema_version").pluck();
    this.#lastInsertId = db.prepare<[], bigint>("select last_insert_rowid()").pluck().safeIntegers();
    if (db.memory) this.reset = () => this.#resetInPlace();
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  execute(sql: string, params: Params | undefined): BlockingResult {
    const prepared = this.#checked(sql, params);
    const { statement } = prepared;
    if (!statement.readonly) this.#schema = undefined;
    if (!prepared.plain) {
      this.#alone = undefined;
      this.#unsettled = true;
    }
    if (!statement.reader) {
      const { changes, lastInsertRowid } =
        params === undefined ? statement.run() : statement.run(exact(params));
      const inserted = prepared.inserts && changes > 0;
      return {
        columns: [],
        rows: [],
        rowCount: changes,
        lastInsertId: inserted ? lastInsertRowid : undefined,
      };
    }
    const rows = params === undefined ? statement.all() : statement.all(exact(params));
    return {
      columns: this.#columns(prepared),
      rows,
      rowCount: rows.length,
      lastInsertId: prepared.inserts && rows.length > 0 ? this.#lastInsertId.get() : undefined,
    };
  }

  iterate(sql: string, params: Params | undefined): BlockingCursor | undefined {
    const { statement } = this.#checked(sql, params);
    if (!statement.reader) return undefined;
    const rows = params === undefined ? statement.iterate() : statement.iterate(exact(params));
    return cursor(statement, rows);
  }

  readOnly(sql: string): boolean {
    return this.#statements.get(sql).statement.readonly;
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

  /** The package ignores params that the statement has no name for, as it ignores none that have no place. */
  #checked(sql: string, params: Params | undefined): Prepared {
    const prepared = this.#statements.get(sql);
    if (params === undefined || Array.isArray(params)) return prepared;
    const given = Object.keys(params);
    prepared.names ??= namesOf(this.#db.prepare(sql), given);
    const surplus = given.filter((name) => !prepared.names!.has(name));
    if (surplus.length === 0) return prepared;
    throw new ProgrammingError(`the statement has no params named ${surplus.join(", ")}`);
  }

  /**
   * Asking for the names costs more than a small query: they are kept for as long as the schema stays as it was. That of temporary tables
   * and of attached files has no number that is as cheap to ask for.
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
    resetPrivate(this.#db);
  }
}

/** The names of a statement's params, which the package does not tell: those of an object's that it reads when it binds that. Throws where one is missing. */
function namesOf(statement: Statement<unknown[], unknown[]>, given: readonly string[]): ReadonlySet<string> {
  const read = new Set<string>();
  const probe = {};
  for (const name of given) {
    const get = () => {
      read.add(name);
      return null;
    };
    Object.defineProperty(probe, name, { get, enumerable: true });
  }
  statement.bind(probe);
  return read;
}

/** The names are right once the first row has been asked for: SQLite notices only then that the schema has changed. */
function cursor(
  statement: Statement<unknown[], unknown[]>,
  rows: IterableIterator<unknown[]>,
): BlockingCursor {
  return {
    rows,
    get columns() {
      return names(statement);
    },
  };
}

function names(statement: Statement<unknown[], unknown[]>): readonly string[] {
  return statement.columns().map((column) => column.name);
}

function tolerate(attempt: () => void): void {
  try {
    attempt();
  } catch {
    // Another process may hold the file in its old mode, or the file system cannot share memory: slower, as correct.
  }
}
