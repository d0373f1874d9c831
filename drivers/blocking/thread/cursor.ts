/** The rows of a stream: one statement of the thread's that is open while its batches are asked for. */
import type { Params } from "../../driver.js";
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { BlockingCursor } from "../module.js";
import type { Database } from "./database.js";
import type { Settled } from "./outbox.js";
import type { Statements } from "./statements.js";
import type { Texts } from "./texts.js";

interface Open {
  readonly source: BlockingCursor;
  readonly readOnly: boolean | undefined;
  readonly inTransaction: boolean;
}

export class StreamCursor {
  readonly #database: Database;
  readonly #cells: Cells;
  readonly #texts: Texts;
  readonly #statements: Statements;
  #open: Open | undefined;

  constructor(database: Database, cells: Cells, texts: Texts, statements: Statements) {
    this.#database = database;
    this.#cells = cells;
    this.#texts = texts;
    this.#statements = statements;
  }

  /**
   * An autocommitted write, and what the module cannot step, is run whole before its first batch is taken: its reader
   * keeps no lock.
   */
  open(sql: string, params: Params | undefined, slot: number, inTransaction: boolean): void {
    const text = this.#texts.of(sql);
    const readOnly = inTransaction
      ? this.#statements.admit(text, sql, slot)
      : this.#database.readOnly(text, sql);
    const steps = readOnly === true || (inTransaction && text.steps);
    const source =
      (steps ? this.#database.iterate(sql, params) : undefined) ??
      this.#whole(sql, params, slot, inTransaction);
    this.#open = { source, readOnly, inTransaction };
  }

  fetch(batch: number, slot: number): Settled {
    const { source, readOnly, inTransaction } = this.#open!;
    // What it wrote is not undone by a cancel that comes now.
    if (readOnly !== true) {
      if (inTransaction) this.#cells.keep(slot);
      else this.#cells.decide(slot);
    }
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

  #whole(sql: string, params: Params | undefined, slot: number, inTransaction: boolean): BlockingCursor {
    const { columns, rows } = inTransaction
      ? this.#database.execute(sql, params)
      : this.#statements.executeWhole(sql, params, slot).result;
    return { columns, rows: rows.values() };
  }

  end(): void {
    const open = this.#open;
    this.#open = undefined;
    open?.source.rows.return?.();
  }
}
