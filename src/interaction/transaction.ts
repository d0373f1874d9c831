import type { Params } from "../../drivers/driver.js";
import type { Deferred } from "../defer/index.js";
import { copyRows, type LoadPlace, type RowsToLoad } from "../loading/copy-rows.js";
import {
  type BulkOptions,
  checkNestedOptions,
  type InteractionOptions,
  type StatementOptions,
} from "../options/call-options.js";
import { runScript } from "../script/script.js";
import { Cursor } from "../session/cursor.js";
import type { Sequence } from "../session/sequence.js";
import { refused, type Session } from "../session/session.js";
import type { SessionTask } from "../session/session-task.js";
import {
  type Answer,
  type AnyRow,
  type ArrayRow,
  type InArrays,
  type OperationResult,
  operationOf,
  resultOf,
  type StatementResult,
} from "../statement/results.js";
import type { RowStream } from "../stream/row-stream.js";
import { InteractionCall } from "./call.js";
import { adbapiNested, calledInside } from "./inside.js";

/**
 * The verbs that a pool and a transaction share: a function written against it runs on either.
 */
export interface Queryable {
  /**
   * Fires with all rows; of a statement that gives several result sets (a procedure's CALL) with those of the first, as
   * all verbs do.
   */
  runQuery<Row = unknown[]>(...statement: InArrays): Deferred<ArrayRow<Row>[]>;
  runQuery<Row = AnyRow>(sql: string, params?: Params, options?: StatementOptions): Deferred<Row[]>;
  /** Fires with the number of rows affected and the last generated key. */
  runOperation(sql: string, params?: Params, options?: StatementOptions): Deferred<OperationResult>;
  /** Fires with both: the rows and their columns, the number of rows and the last generated key. */
  runStatement<Row = unknown[]>(...statement: InArrays): Deferred<StatementResult<ArrayRow<Row>>>;
  runStatement<Row = AnyRow>(
    sql: string,
    params?: Params,
    options?: StatementOptions,
  ): Deferred<StatementResult<Row>>;
  /** The rows one by one, read from the database no faster than they are asked for. */
  runStream<Row = unknown[]>(...statement: InArrays): AsyncIterableIterator<ArrayRow<Row>>;
  runStream<Row = AnyRow>(
    sql: string,
    params?: Params,
    options?: StatementOptions,
  ): AsyncIterableIterator<Row>;
  /**
   * Runs a script: several statements in one text, without params, each database's own way. Fires when all have run;
   * rows are dropped. The first failure ends it, and its error has `statementNumber` and, where known, `position`.
   */
  runScript(sql: string, options?: BulkOptions): Deferred<void>;
  /**
   * Loads rows into a table, all or nothing, from any iterable or async iterable of arrays (in the order of `columns`)
   * or of objects with a value for each column; a row is asked for when there is room for it. Values mean what they
   * mean as params. Names are identifiers and are quoted. Fires with the number of rows stored. The error of a bad row
   * has its `rowNumber`, counted from 1.
   */
  copyRows(...load: RowsToLoad): Deferred<{ rowCount: number }>;
  /** Fires with what `fn` gave, once its work is committed, or released into the transaction around it. */
  runInteraction<T, Args extends unknown[]>(
    fn: (transaction: Transaction, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runInteraction<T, Args extends unknown[]>(
    options: InteractionOptions,
    fn: (transaction: Transaction, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
}

/**
 * What an interaction's function works with: the pool's own verbs inside of one transaction, and a PEP 249 cursor.
 * Statements run in the order asked. After the interaction has ended every use is an `InterfaceError`, and nothing is
 * sent.
 */
export class Transaction extends Cursor implements Queryable {
  readonly #session: Session;
  readonly #sequence: Sequence;
  #nested: Transaction | undefined;

  /** @internal */
  constructor(session: Session, sequence: Sequence) {
    super(session, sequence);
    this.#session = session;
    this.#sequence = sequence;
  }

  /** Aborted when the connection is lost, with the `ConnectionLost` as its reason; never after the function. */
  get signal(): AbortSignal {
    return this.#session.connection.loss.signal;
  }

  runQuery<Row = unknown[]>(...statement: InArrays): Deferred<ArrayRow<Row>[]>;
  runQuery<Row = AnyRow>(sql: string, params?: Params, options?: StatementOptions): Deferred<Row[]>;
  runQuery(sql: string, params?: Params, options?: StatementOptions): Deferred<never[]> {
    return this.#session.statement(this.innermost(), sql, params, options, undefined) as Deferred<never[]>;
  }

  runOperation(sql: string, params?: Params, options?: StatementOptions): Deferred<OperationResult> {
    return this.#session.statement(this.innermost(), sql, params, options, operationOf);
  }

  runStatement<Row = unknown[]>(...statement: InArrays): Deferred<StatementResult<ArrayRow<Row>>>;
  runStatement<Row = AnyRow>(
    sql: string,
    params?: Params,
    options?: StatementOptions,
  ): Deferred<StatementResult<Row>>;
  runStatement(sql: string, params?: Params, options?: StatementOptions): Deferred<StatementResult<never>> {
    return this.#session.statement(this.innermost(), sql, params, options, resultOf(sql)) as Deferred<
      StatementResult<never>
    >;
  }

  /** While it is open it has the session for itself: other statements of the transaction are refused. */
  runStream<Row = unknown[]>(...statement: InArrays): AsyncIterableIterator<ArrayRow<Row>>;
  runStream<Row = AnyRow>(
    sql: string,
    params?: Params,
    options?: StatementOptions,
  ): AsyncIterableIterator<Row>;
  runStream(sql: string, params?: Params, options?: StatementOptions): AsyncIterableIterator<never> {
    return this.#session.stream(this.innermost(), sql, params, options) as RowStream<never>;
  }

  /**
   * Runs several statements, in one text without params, in this transaction: as `pool.runScript`, but a statement that
   * ends the transaction (COMMIT, on MySQL any DDL) is what it is elsewhere in an interaction.
   */
  runScript(sql: string, options?: BulkOptions): Deferred<void> {
    return runScript(this.#session, this.innermost(), sql, options);
  }

  /** As `pool.copyRows`, behind a savepoint: when it fails, the transaction goes on without any of its rows. */
  copyRows(...load: RowsToLoad): Deferred<{ rowCount: number }> {
    const { dialect, paramstyle } = this.#session.driver;
    const runInteraction: LoadPlace["runInteraction"] = (limits, fn) => this.runInteraction(limits, fn);
    return copyRows({ dialect, paramstyle, runInteraction }, refused, load);
  }

  /**
   * A part that can fail alone: a SAVEPOINT, released when `fn` is done, rolled back when it fails. Of the options it
   * takes `signal` and `timeoutMillis`, which count for the part; the others belong to the outermost interaction, and
   * are an `InterfaceError` here.
   */
  runInteraction<T, Args extends unknown[]>(
    fn: (transaction: Transaction, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runInteraction<T, Args extends unknown[]>(
    options: InteractionOptions,
    fn: (transaction: Transaction, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runInteraction(...call: unknown[]): Deferred<unknown> {
    const outer = this.#innermost();
    try {
      const { options, fn, args } = new InteractionCall(call);
      checkNestedOptions(options);
      return outer.#session.task(outer.#sequence, (task) => outer.#runNested(task, fn, args), options);
    } catch (error) {
      return refused(error);
    }
  }

  async #runNested(task: SessionTask, fn: InteractionCall["fn"], args: readonly unknown[]): Promise<unknown> {
    const session = this.#session;
    const name = await session.transaction.savepoint();
    const sequence = session.nest();
    const nested = new Transaction(session, sequence);
    this.#nested = nested;
    const givenUp = new Promise<never>((_, reject) => {
      task.whenGivenUp = (error) => {
        sequence.leave(error);
        reject(error);
      };
    });
    try {
      if (task.givenUp !== undefined) throw task.givenUp;
      const value = await Promise.race([adbapiNested(() => fn(nested, ...args)), givenUp]);
      await sequence.finish();
      if (task.givenUp !== undefined) throw task.givenUp;
      const { unnoticed } = sequence;
      if (unnoticed !== undefined) throw unnoticed;
      sequence.close();
      await session.transaction.run(`RELEASE SAVEPOINT ${name}`);
      return value;
    } catch (error) {
      sequence.close();
      if (sequence.late) task.fail(error);
      await sequence.idle();
      await session.transaction.rollbackTo(name);
      throw error;
    } finally {
      this.#nested = undefined;
    }
  }

  protected override get shownAs(): string {
    return "Transaction";
  }

  protected override innermost(): Sequence {
    return this.#nested === undefined ? this.#sequence : this.#innermost().#sequence;
  }

  /**
   * What a nested interaction's function asks of the transaction around it belongs inside: it would wait for itself.
   */
  #innermost(): Transaction {
    let innermost: Transaction = this;
    while (innermost.#nested !== undefined && calledInside(adbapiNested)) innermost = innermost.#nested;
    return innermost;
  }
}
