/** One session through node:sqlite. */
import type { BlockingCursor, BlockingResult } from "../blocking/module.js";
import type { Params, TransactionOptions } from "../driver.js";
import { SqliteConnection } from "../sqlite-family/connection.js";
import type { Pragma } from "../sqlite-family/pragmas.js";
import { useWriteAheadLog } from "../sqlite-family/write-ahead-log.js";
import { stepsWithNamedCode, withNamedCode } from "./errors.js";
import { bindsNumbers, callArguments } from "./params.js";
import { currentColumns, exactArrays, type Prepared, prepare } from "./prepared.js";
import type { DatabaseSync, StatementSync } from "./sqlite.js";

export class NodeSqliteConnection extends SqliteConnection<Prepared> {
  readonly #db: DatabaseSync;
  readonly #lastInsertId: StatementSync;
  readonly #bindsNumbers: boolean;

  constructor(db: DatabaseSync, isPrivate: boolean, readOnly: boolean) {
    super({ rows: (sql) => rows(db, sql), exec: (sql) => db.exec(sql) }, isPrivate);
    this.#db = db;
    if (!isPrivate) useWriteAheadLog(readOnly, (pragma) => withNamedCode(() => db.exec(`pragma ${pragma}`)));
    this.#lastInsertId = exactArrays(db.prepare("select last_insert_rowid()"));
    this.#bindsNumbers = bindsNumbers(db);
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  execute(sql: string, params: Params | undefined): BlockingResult {
    return withNamedCode(() => {
      const prepared = this.statements.get(sql);
      const { statement, givesRows, inserts } = prepared;
      const values = callArguments(params, prepared, this.#bindsNumbers);
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
      return {
        columns: currentColumns(prepared),
        rows,
        rowCount: rows.length,
        lastInsertId: inserts && rows.length > 0 ? this.#lastInserted() : undefined,
      };
    });
  }

  iterate(sql: string, params: Params | undefined): BlockingCursor | undefined {
    return withNamedCode(() => {
      const prepared = this.statements.get(sql);
      if (!prepared.givesRows) return undefined;
      const values = callArguments(params, prepared, this.#bindsNumbers);
      const rows = this.#steps(sql, prepared.statement.iterate(...values));
      const lastInserted = () => this.#lastInserted();
      return {
        rows,
        get lastInsertId() {
          return prepared.inserts ? lastInserted() : undefined;
        },
        // Right once the first row has been asked for: SQLite notices only then that the schema has changed.
        get columns() {
          return currentColumns(prepared);
        },
      };
    });
  }

  readOnly(sql: string): boolean {
    return withNamedCode(() => this.statements.get(sql).readOnly);
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

  protected prepare(sql: string, pragma: Pragma | undefined): Prepared {
    return prepare(this.#db, sql, pragma);
  }

  /** Of whatever statement of the session. */
  #lastInserted(): bigint {
    return this.#lastInsertId.all()[0]![0] as bigint;
  }

  /**
   * A statement that failed in a step would throw the same error at its next use, whatever the params: it is not used
   * again.
   */
  *#steps<T>(sql: string, steps: IterableIterator<T>): IterableIterator<T> {
    try {
      yield* stepsWithNamedCode(steps);
    } catch (error) {
      this.statements.forget(sql);
      throw error;
    }
  }
}

function rows(db: DatabaseSync, sql: string): unknown[][] {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return statement.all();
}
