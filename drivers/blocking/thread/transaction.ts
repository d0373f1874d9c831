/** The transaction that the pool began in this thread, and what may run in it. */
import { OperationalError, TransactionAborted } from "../../../src/errors/classes.js";
import type { TransactionOptions } from "../../driver.js";
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { Database } from "./database.js";
import type { Text } from "./texts.js";

export class PoolTransaction {
  readonly #database: Database;
  readonly #cells: Cells;
  /** How it was begun; undefined when there is none, or when it has ended by whatever. */
  #options: TransactionOptions | undefined;

  constructor(database: Database, cells: Cells) {
    this.#database = database;
    this.#cells = cells;
  }

  begin(options: TransactionOptions): void {
    this.#database.begin(options);
    this.#options = options;
  }

  commit(slot: number): void {
    this.#check();
    commitUnlessCancelled(this.#database, this.#cells, slot);
    this.#options = undefined;
  }

  rollback(): void {
    this.#options = undefined;
    this.#database.rollbackIfOpen();
  }

  /** The session is made new. */
  forget(): void {
    this.#options = undefined;
  }

  /**
   * Refuses a text that must not run in it. Gives what the database says of the text, which may take effect by being
   * prepared: the database is not asked before it is sure that the text belongs to the transaction.
   */
  admit(text: Text, sql: string): boolean | undefined {
    this.#check();
    const readOnly = this.#database.readOnly(text, sql);
    if (readOnly === false && this.#options?.readOnly)
      throw new OperationalError("the transaction is read only, and this statement writes");
    return readOnly;
  }

  /** What ran after its end would be committed on its own. */
  #check(): void {
    if (!this.#database.inTransaction) this.#options = undefined;
    if (this.#options === undefined) {
      throw new TransactionAborted("the transaction has ended before this statement, which was not run");
    }
  }
}

/** A cancel that comes before this keeps the COMMIT from being run; one that comes later finds it decided. */
export function commitUnlessCancelled(database: Database, cells: Cells, slot: number): void {
  if (!cells.decide(slot)) throw new StatementCancelled();
  database.commit();
}
