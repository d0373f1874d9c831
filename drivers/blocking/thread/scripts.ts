/** Runs a script statement by statement: so it is known where it stopped, and a cancel stops it in between. */
import { NotSupportedError } from "../../../src/errors/classes.js";
import type { Cells } from "../cells.js";
import { ScriptStopped, StatementCancelled } from "../errors.js";
import type { Database } from "./database.js";
import type { Texts } from "./texts.js";
import type { PoolTransaction } from "./transaction.js";

export class Scripts {
  readonly #database: Database;
  readonly #cells: Cells;
  readonly #texts: Texts;
  readonly #transaction: PoolTransaction;

  constructor(database: Database, cells: Cells, texts: Texts, transaction: PoolTransaction) {
    this.#database = database;
    this.#cells = cells;
    this.#texts = texts;
    this.#transaction = transaction;
  }

  /** @param inTransaction it belongs to the pool's transaction; else it may begin and end its own */
  run(script: string, slot: number, inTransaction: boolean): void {
    const pieces = this.#database.divide(script);
    if (pieces === undefined) throw new NotSupportedError("the driver's module runs no scripts");
    let completed = 0;
    for (const [start, end] of pieces) {
      try {
        if (this.#cells.cancelled(slot)) throw new StatementCancelled();
        const sql = script.slice(start, end);
        const text = this.#texts.of(sql);
        const readOnly = inTransaction
          ? this.#transaction.admit(text, sql)
          : this.#database.readOnly(text, sql);
        if (readOnly === true) this.#read(sql, slot);
        else this.#database.execute(sql, undefined);
      } catch (error) {
        throw new ScriptStopped(error, { completed, position: start });
      }
      completed++;
    }
  }

  /** Step by step, so that it can be cancelled in between. */
  #read(sql: string, slot: number): void {
    const cursor = this.#database.iterate(sql, undefined);
    if (cursor === undefined) this.#database.execute(sql, undefined);
    else for (const _ of cursor.rows) if (this.#cells.cancelled(slot)) throw new StatementCancelled();
  }
}
