/** Runs one statement, in the pool's transaction or on its own. */
import { ProgrammingError } from "../../../src/errors/classes.js";
import type { Params } from "../../driver.js";
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { BlockingCursor, BlockingResult } from "../module.js";
import type { Database } from "./database.js";
import type { Outbox, Settled } from "./outbox.js";
import { readRows } from "./reading.js";
import { type Text, type Texts, timed } from "./texts.js";
import { commitUnlessCancelled, type PoolTransaction } from "./transaction.js";

type Ran = Extract<Settled, { readonly result: BlockingResult }>;

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
  execute(sql: string, params: Params | undefined, slot: number, inTransaction: boolean): Ran {
    const text = this.#texts.of(sql);
    if (inTransaction) {
      const readOnly = this.admit(text, sql, slot);
      return { result: this.#database.converted(this.#run(text, sql, params, slot)), readOnly };
    }
    const readOnly = this.#database.readOnly(text, sql);
    if (readOnly === false && text.verb !== "other") return this.#write(text, sql, params, slot);
    if (readOnly !== true) this.#cells.decide(slot);
    const result = this.#run(text, sql, params, slot);
    if (readOnly !== true || text.verb === "other") this.#refuseOpenTransaction();
    return { result: this.#database.converted(result), readOnly };
  }

  /** The same on its own, with all rows here when it is committed: their reader may take any time. */
  executeWhole(sql: string, params: Params | undefined, slot: number): Ran {
    const text = this.#texts.of(sql);
    const writes = this.#database.readOnly(text, sql) === false && text.verb !== "other";
    return writes ? this.#write(text, sql, params, slot, true) : this.execute(sql, params, slot, false);
  }

  /** Whether the text belongs to the pool's transaction; then a cancel does not undo what it writes. */
  admit(text: Text, sql: string, slot: number): boolean | undefined {
    const readOnly = this.#transaction.admit(text, sql);
    if (readOnly !== true && !this.#cells.keep(slot)) throw new StatementCancelled();
    return readOnly;
  }

  /** Runs only what can write nothing. */
  read(sql: string, params: Params | undefined, slot: number): Settled {
    const readOnly = this.#database.readOnly(this.#texts.of(sql), sql) === true;
    return readOnly ? this.execute(sql, params, slot, false) : "unrun";
  }

  /** One text, many lists of params, in the pool's transaction. */
  executeMany(sql: string, listOfParams: readonly Params[], slot: number): Ran {
    const text = this.#texts.of(sql);
    let rowCount = 0;
    for (const params of listOfParams) {
      if (this.#cells.cancelled(slot)) throw new StatementCancelled();
      this.#transaction.admit(text, sql);
      rowCount += this.#database.execute(sql, params).rowCount;
    }
    return { result: { columns: [], rows: [], rowCount }, readOnly: text.readOnly };
  }

  /**
   * What gives rows goes step by step, so that it can be stopped, and they do not pile up.
   *
   * @param failed called when the database fails, before the error leaves
   */
  #run(
    text: Text,
    sql: string,
    params: Params | undefined,
    slot: number,
    { whole = false, failed = () => {} }: { readonly whole?: boolean; readonly failed?: () => void } = {},
  ): BlockingResult {
    return timed(text, () => {
      let cursor: BlockingCursor | undefined;
      try {
        cursor = text.steps && !whole ? this.#database.iterate(sql, params) : undefined;
        if (cursor === undefined) return this.#database.execute(sql, params);
      } catch (error) {
        failed();
        throw error;
      }
      return readRows(cursor, {
        maxResultBytes: this.#maxResultBytes,
        cancelled: () => this.#cells.cancelled(slot),
        handOn: (columns, rows) => {
          this.#database.convert(rows);
          return this.#outbox.sendPart(columns, rows, slot);
        },
        failed: text.readOnly ? undefined : failed,
      });
    });
  }

  /**
   * An autocommitted write in a transaction of its own: a cancel that comes before the COMMIT undoes it for certain.
   */
  #write(text: Text, sql: string, params: Params | undefined, slot: number, whole = false): Ran {
    this.#database.begin({});
    try {
      const result = this.#run(text, sql, params, slot, { whole, failed: () => this.#keep(slot) });
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
  #keep(slot: number): void {
    if (!this.#database.inTransaction) return;
    try {
      commitUnlessCancelled(this.#database, this.#cells, slot);
    } catch {
      this.#database.rollbackIfOpen();
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
