/**
 * The names of a statement's columns. Asking the package for them costs more than a small query: they are kept for as
 * long as the schema stays as it was.
 */
import type { Database, Statement } from "better-sqlite3";
import type { Prepared } from "./prepared.js";

export class ColumnNames {
  readonly #db: Database;
  readonly #schemaVersion: Statement<[], number>;
  /** The schema's number, as long as a transaction that has not written keeps it from changing. */
  #schema: number | undefined;
  /**
   * Whether there is no database but `main`; undefined when that may have changed. The schemas of temporary tables and
   * of attached files have no number that is as cheap to ask for.
   */
  #onlyMain: boolean | undefined;
  /** The open transaction may have changed the schema: after a rollback its number will belong to another schema. */
  #unsettled = false;

  constructor(db: Database) {
    this.#db = db;
    this.#schemaVersion = db.prepare<[], number>("pragma schema_version").pluck();
  }

  transactionBegan(): void {
    this.#schema = undefined;
    this.#unsettled = false;
  }

  beforeRun({ statement, plain }: Prepared): void {
    if (!statement.readonly) this.#schema = undefined;
    if (plain) return;
    this.#onlyMain = undefined;
    this.#unsettled = true;
  }

  /** Of a statement that has run. The same array as long as the names are the same: it travels only once. */
  of(prepared: Prepared): readonly string[] {
    if (!this.#db.inTransaction) this.#unsettled = false;
    this.#onlyMain ??= this.#db.prepare("pragma database_list").raw().all().length === 1;
    if (this.#unsettled || !this.#onlyMain) return namesOf(prepared);
    const schema = this.#currentSchema();
    if (prepared.columns?.schema === schema) return prepared.columns.names;
    const names = namesOf(prepared);
    // Another process may have changed the schema in between: then they are asked for again next time.
    prepared.columns = this.#schemaVersion.get() === schema ? { names, schema } : undefined;
    return names;
  }

  #currentSchema(): number {
    if (!this.#db.inTransaction) return this.#schemaVersion.get()!;
    this.#schema ??= this.#schemaVersion.get()!;
    return this.#schema;
  }
}

export function namesOf({ statement }: Prepared): readonly string[] {
  return statement.columns().map((column) => column.name);
}
