/** The rows of a statement, one by one. */
import type { Statement } from "better-sqlite3";
import type { BlockingCursor } from "../blocking/module.js";
import { type ColumnNames, namesOf } from "./columns.js";
import type { Prepared } from "./prepared.js";

/** The names are right once the first row has been asked for: SQLite notices only then that the schema has changed. */
export class Cursor implements BlockingCursor, IterableIterator<unknown[]> {
  readonly #prepared: Prepared;
  readonly #rows: IterableIterator<unknown[]>;
  readonly #columns: ColumnNames;
  readonly #lastInsertId: Statement<[], bigint>;
  #names: readonly string[] | undefined;
  #state: "open" | "over" = "open";

  /** @param lastInsertId asks for that of the session, of whatever statement */
  constructor(
    prepared: Prepared,
    rows: IterableIterator<unknown[]>,
    columns: ColumnNames,
    lastInsertId: Statement<[], bigint>,
  ) {
    this.#prepared = prepared;
    this.#rows = rows;
    this.#columns = columns;
    this.#lastInsertId = lastInsertId;
  }

  get columns(): readonly string[] {
    // While rows are read, the package runs no other statement, so the schema's number cannot be asked for.
    this.#names ??= this.#state === "over" ? this.#columns.of(this.#prepared) : namesOf(this.#prepared);
    return this.#names;
  }

  get lastInsertId(): bigint | undefined {
    return this.#prepared.inserts ? this.#lastInsertId.get() : undefined;
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
