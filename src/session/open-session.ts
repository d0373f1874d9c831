import type { Params, TransactionOptions } from "../../drivers/driver.js";
import type { Deferred } from "../defer/index.js";
import { INSPECT } from "../defer/inspect.js";
import { InterfaceError } from "../errors/classes.js";
import { type BulkOptions, checkInteractionOptions, type StatementOptions } from "../options/call-options.js";
import { runScript } from "../script/script.js";
import {
  type AnyRow,
  type ArrayRow,
  type InArrays,
  type OperationResult,
  operationOf,
  resultOf,
  type StatementResult,
} from "../statement/results.js";
import type { RowStream } from "../stream/row-stream.js";
import { shownWork } from "./inspect.js";
import type { Sequence } from "./sequence.js";
import { refused, type Session } from "./session.js";

/**
 * What `runWithSession` lends: a session of the database's, on which each statement is on its own unless a transaction
 * is begun by name. Statements run in the order asked. After its function every use is an `InterfaceError`.
 */
export class OpenSession<Native = unknown> {
  readonly #session: Session;
  readonly #sequence: Sequence;
  #touched = false;

  /** @internal */
  constructor(session: Session, sequence: Sequence) {
    this.#session = session;
    this.#sequence = sequence;
  }

  /** Whether anything ran outside of its transactions, whose settings and locks may outlast it. @internal */
  get touched(): boolean {
    return this.#touched;
  }

  /** Whether something on it was not settled by its deadline, and is not yet. @internal */
  get late(): boolean {
    return this.#session.late;
  }

  /**
   * The driver's own handle, where it lives on this thread (not SQLite's). What it does is yours to answer for.
   * Listeners that are added to it are taken away when the session is given back.
   */
  get native(): Native {
    this.#touched = true;
    return this.#session.native as Native;
  }

  /** Aborted when the connection is lost, with the `ConnectionLost` as its reason; never after the function. */
  get signal(): AbortSignal {
    return this.#session.connection.loss.signal;
  }

  /** The session is closed when it is given back, and no one else gets it: for what a reset does not undo. */
  discard(): void {
    this.#session.connection.unwanted = true;
  }

  /** For `console.log`. */
  [INSPECT](): string {
    return shownWork("OpenSession", this.#sequence);
  }

  /** As the pool's. */
  runQuery<Row = unknown[]>(...statement: InArrays): Deferred<ArrayRow<Row>[]>;
  runQuery<Row = AnyRow>(sql: string, params?: Params, options?: StatementOptions): Deferred<Row[]>;
  runQuery(sql: string, params?: Params, options?: StatementOptions): Deferred<never[]> {
    this.#touch();
    return this.#session.statement(this.#sequence, sql, params, options, undefined) as Deferred<never[]>;
  }

  /** As the pool's. */
  runOperation(sql: string, params?: Params, options?: StatementOptions): Deferred<OperationResult> {
    this.#touch();
    return this.#session.statement(this.#sequence, sql, params, options, operationOf);
  }

  /** As the pool's. */
  runStatement<Row = unknown[]>(...statement: InArrays): Deferred<StatementResult<ArrayRow<Row>>>;
  runStatement<Row = AnyRow>(
    sql: string,
    params?: Params,
    options?: StatementOptions,
  ): Deferred<StatementResult<Row>>;
  runStatement(sql: string, params?: Params, options?: StatementOptions): Deferred<StatementResult<never>> {
    this.#touch();
    return this.#session.statement(this.#sequence, sql, params, options, resultOf(sql)) as Deferred<
      StatementResult<never>
    >;
  }

  /** As the pool's, on this session, which it has for itself while it is open: other statements are refused. */
  runStream<Row = unknown[]>(...statement: InArrays): RowStream<ArrayRow<Row>>;
  runStream<Row = AnyRow>(sql: string, params?: Params, options?: StatementOptions): RowStream<Row>;
  runStream(sql: string, params?: Params, options?: StatementOptions): RowStream<never> {
    this.#touch();
    return this.#session.stream(this.#sequence, sql, params, options) as RowStream<never>;
  }

  /** As the pool's, on this session; in the transaction that was begun, if one is. */
  runScript(sql: string, options?: BulkOptions): Deferred<void> {
    this.#touch();
    return runScript(this.#session, this.#sequence, sql, options);
  }

  /** The next statements are one transaction, until `commit` or `rollback`. BEGIN goes out with the first of them. */
  begin(options: TransactionOptions = {}): Deferred<void> {
    try {
      checkBegin(options);
    } catch (error) {
      return refused(error);
    }
    return this.#session.task(this.#sequence, async () => this.#session.transaction.enter(options));
  }

  /** Fires when it is committed; statements are on their own again. Fails where the database rolled back instead. */
  commit(): Deferred<void> {
    return this.#session.task(this.#sequence, async () => {
      await this.#session.transaction.commit();
      this.#session.transaction.leave();
    });
  }

  /** Fires when it is rolled back. Never fails: a session that cannot be rolled back is destroyed. */
  rollback(): Deferred<void> {
    const rolledBack = this.#session.task(this.#sequence, async () => {
      await this.#session.transaction.rollback(undefined);
      this.#session.transaction.leave();
    });
    return rolledBack.addErrback(() => {}) as Deferred<void>;
  }

  #touch(): void {
    if (this.#session.transaction.mode === "autocommit") this.#touched = true;
  }
}

const OF_BEGIN: readonly string[] = ["isolation", "readOnly"] satisfies (keyof TransactionOptions)[];

function checkBegin(options: TransactionOptions): void {
  checkInteractionOptions(options);
  const other = Object.keys(options).find((name) => !OF_BEGIN.includes(name));
  if (other !== undefined) throw new InterfaceError(`begin takes isolation and readOnly, and no ${other}`);
}
