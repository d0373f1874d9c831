/** One session through better-sqlite3. */
import type { Database, Statement } from "better-sqlite3";
import type { BlockingCursor, BlockingResult } from "../blocking/module.js";
import { firstWord } from "../blocking/verbs.js";
import type { Params, TransactionOptions } from "../driver.js";
import { SqliteConnection } from "../sqlite-family/connection.js";
import { onlyAsks, type Pragma } from "../sqlite-family/pragmas.js";
import { useWriteAheadLog } from "../sqlite-family/write-ahead-log.js";
import { ColumnNames } from "./columns.js";
import { Cursor } from "./cursor.js";
import { Prepared } from "./prepared.js";

export class BetterSqlite3Connection extends SqliteConnection<Prepared> {
  readonly #db: Database;
  readonly #columns: ColumnNames;
  readonly #lastInsertId: Statement<[], bigint>;

  constructor(db: Database) {
    super({ rows: (sql) => rawRows(db, sql), exec: (sql) => db.exec(sql) }, db.memory);
    this.#db = db;
    if (!db.memory) useWriteAheadLog(db.readonly, (pragma) => db.pragma(pragma, { simple: true }));
    this.#columns = new ColumnNames(db);
    this.#lastInsertId = db.prepare<[], bigint>("select last_insert_rowid()").pluck().safeIntegers();
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  execute(sql: string, params: Params | undefined): BlockingResult {
    const prepared = this.statements.get(sql);
    const { statement } = prepared;
    this.#columns.beforeRun(prepared);
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
      columns: this.#columns.of(prepared),
      rows,
      rowCount: rows.length,
      lastInsertId: prepared.inserts && rows.length > 0 ? this.#lastInsertId.get() : undefined,
    };
  }

  iterate(sql: string, params: Params | undefined): BlockingCursor | undefined {
    const prepared = this.statements.get(sql);
    const { statement } = prepared;
    if (!statement.reader) return undefined;
    this.#columns.beforeRun(prepared);
    const rows = params === undefined ? statement.iterate() : statement.iterate(...prepared.values(params));
    return new Cursor(prepared, rows, this.#columns, this.#lastInsertId);
  }

  readOnly(sql: string): boolean {
    // EXPLAIN only lists what the statement would do, and SQLite says of it what it says of that statement.
    const { statement, pragma } = this.statements.get(sql);
    return statement.readonly || firstWord(sql) === "explain" || onlyAsks(pragma);
  }

  begin({ readOnly }: TransactionOptions): void {
    this.statements.get(readOnly ? "BEGIN" : "BEGIN IMMEDIATE").statement.run();
    this.#columns.transactionBegan();
  }

  commit(): void {
    this.statements.get("COMMIT").statement.run();
  }

  rollback(): void {
    this.statements.get("ROLLBACK").statement.run();
  }

  close(): void {
    this.#db.close();
  }

  protected prepare(sql: string, pragma: Pragma | undefined): Prepared {
    return new Prepared(this.#db.prepare(sql), pragma);
  }
}

function rawRows(db: Database, sql: string): unknown[][] {
  return db.prepare<[], unknown[]>(sql).raw().all();
}
