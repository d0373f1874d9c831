/** The rows of a stream: one statement of the thread's that is open while its batches are asked for. */
import type { Params } from "../../driver.js";
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { BlockingCursor } from "../module.js";
import type { Database } from "./database.js";
import type { Settled } from "./outbox.js";
import type { Statements } from "./statements.js";
import type { Texts } from "./texts.js";
import type { PoolTransaction } from "./transaction.js";

export class StreamCursor {
  readonly #database: Database;
  readonly #cells: Cells;
  readonly #texts: Texts;
  readonly #transaction: PoolTransaction;
  readonly #statements: Statements;
  #open: { readonly source: BlockingCursor; readonly readOnly: boolean | undefined } | undefined;

  constructor(
    database: Database,
    cells: Cells,
    texts: Texts,
    transaction: PoolTransaction,
    statements: Statements,
  ) {
    this.#database = database;
    this.#cells = cells;
    this.#texts = texts;
    this.#transaction = transaction;
    this.#statements = statements;
  }

  /** A statement that writes, or that the module cannot step, is run whole before its first batch is taken. */
  open(sql: string, params: Params | undefined, slot: number, inTransaction: boolean): void {
    const text = this.#texts.of(sql);
    const readOnly = inTransaction ? this.#transaction.admit(text, sql) : this.#database.readOnly(text, sql);
    const source = readOnly ? this.#database.iterate(sql, params) : undefined;
    if (source !== undefined) {
      this.#open = { source, readOnly };
      return;
    }
    const settled = this.#statements.execute(sql, params, slot, inTransaction);
    if (typeof settled === "string" || "error" in settled) return;
    const { columns, rows } = settled.result;
    this.#open = { source: { columns, rows: rows.values() }, readOnly };
  }

  fetch(batch: number, slot: number): Settled {
    const { source, readOnly } = this.#open!;
    const rows: unknown[][] = [];
    try {
      while (rows.length < batch) {
        const next = source.rows.next();
        if (next.done) {
          this.#open = undefined;
          break;
        }
        rows.push(next.value);
        if (this.#cells.cancelled(slot)) throw new StatementCancelled();
      }
      const result = this.#database.converted({ columns: source.columns, rows, rowCount: rows.length });
      return { result, readOnly, more: this.#open !== undefined };
    } catch (error) {
      this.end();
      throw error;
    }
  }

  end(): void {
    const open = this.#open;
    this.#open = undefined;
    open?.source.rows.return?.();
  }
}
