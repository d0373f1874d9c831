/** Runs one statement, in the pool's transaction or on its own. */
import { ProgrammingError } from "../../../src/errors/classes.js";
import type { Params } from "../../driver.js";
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { BlockingResult } from "../module.js";
import type { Database } from "./database.js";
import type { Outbox, Settled } from "./outbox.js";
import { readRows } from "./reading.js";
import { type Text, type Texts, timed } from "./texts.js";
import { commitUnlessCancelled, type PoolTransaction } from "./transaction.js";

export class Statements {
  readonly #database: Database;
  readonly #cells: Cells;
  readonly #outbox: Outbox;
  readonly #texts: Texts;
  readonly #transaction: PoolTransaction;
  readonly #maxResultBytes: number | undefined;

  constructor(
    database: Database,
    cells: Cells,
    outbox: Outbox,
    texts: Texts,
    transaction: PoolTransaction,
    maxResultBytes: number | undefined,
  ) {
    this.#database = database;
    this.#cells = cells;
    this.#outbox = outbox;
    this.#texts = texts;
    this.#transaction = transaction;
    this.#maxResultBytes = maxResultBytes;
  }

  /** @param inTransaction it belongs to the pool's transaction */
  execute(sql: string, params: Params | undefined, slot: number, inTransaction: boolean): Settled {
    const text = this.#texts.of(sql);
    if (inTransaction) {
      const readOnly = this.#transaction.admit(text, sql);
      if (readOnly !== true && !this.#cells.keep(slot)) throw new StatementCancelled();
      return { result: this.#database.converted(this.#run(text, sql, params, slot)), readOnly };
    }
    const readOnly = this.#database.readOnly(text, sql);
    if (readOnly === false && text.verb !== "other") return this.#write(text, sql, params, slot);
    if (readOnly !== true) this.#cells.decide(slot);
    const result = this.#run(text, sql, params, slot);
    if (readOnly !== true || text.verb === "other") this.#refuseOpenTransaction();
    return { result: this.#database.converted(result), readOnly };
  }

  /** Runs only what can write nothing. */
  read(sql: string, params: Params | undefined, slot: number): Settled {
    const readOnly = this.#database.readOnly(this.#texts.of(sql), sql) === true;
    return readOnly ? this.execute(sql, params, slot, false) : "unrun";
  }

  /** One text, many lists of params, in the pool's transaction. */
  executeMany(sql: string, listOfParams: readonly Params[], slot: number): Settled {
    const text = this.#texts.of(sql);
    let rowCount = 0;
    for (const params of listOfParams) {
      if (this.#cells.cancelled(slot)) throw new StatementCancelled();
      this.#transaction.admit(text, sql);
      rowCount += this.#database.execute(sql, params).rowCount;
    }
    return { result: { columns: [], rows: [], rowCount }, readOnly: text.readOnly };
  }

  /** What can only read goes step by step, so that it can be cancelled, and its rows do not pile up. */
  #run(text: Text, sql: string, params: Params | undefined, slot: number): BlockingResult {
    return timed(text, () => {
      const cursor = text.readOnly ? this.#database.iterate(sql, params) : undefined;
      if (cursor === undefined) return this.#database.execute(sql, params);
      return readRows(cursor, {
        maxResultBytes: this.#maxResultBytes,
        cancelled: () => this.#cells.cancelled(slot),
        handOn: (columns, rows) => {
          this.#database.convert(rows);
          return this.#outbox.sendPart(columns, rows, slot);
        },
      });
    });
  }

  /**
   * An autocommitted write in a transaction of its own: a cancel that comes before the COMMIT undoes it for certain.
   */
  #write(text: Text, sql: string, params: Params | undefined, slot: number): Settled {
    this.#database.begin({});
    try {
      const result = timed(text, () => this.#orKeep(() => this.#database.execute(sql, params), slot));
      const settled = { result: this.#database.converted(result), readOnly: false };
      if (this.#database.inTransaction) commitUnlessCancelled(this.#database, this.#cells, slot);
      return settled;
    } catch (error) {
      this.#database.rollbackIfOpen();
      throw error;
    }
  }

  /**
   * What a statement leaves behind when it fails is for its database to say: SQLite's OR FAIL keeps the rows before the
   * bad one, so they are committed.
   */
  #orKeep<T>(execute: () => T, slot: number): T {
    try {
      return execute();
    } catch (error) {
      if (this.#database.inTransaction) {
        try {
          commitUnlessCancelled(this.#database, this.#cells, slot);
        } catch {
          this.#database.rollbackIfOpen();
        }
      }
      throw error;
    }
  }

  #refuseOpenTransaction(): void {
    if (!this.#database.inTransaction) return;
    this.#database.rollbackIfOpen();
    throw new ProgrammingError(
      "the statement left a transaction open, which was rolled back: use runInteraction for transactions",
    );
  }
}
