import type { Driver, Params, Result, TransactionOptions } from "../../drivers/driver.js";
import { muteUnhandled } from "../defer/deferred.js";
import { CancelledError, type Deferred, fail } from "../defer/index.js";
import { channels, type Origin, type StatementTrace, traced } from "../diagnostics/channels.js";
import { InterfaceError, StatementTimeout } from "../errors/classes.js";
import { setOutcome } from "../errors/details.js";
import { unsentError } from "../errors/given-up.js";
import { type End, overError } from "../errors/session-ended.js";
import type { BulkOptions, InteractionLimits, StatementOptions } from "../options/call-options.js";
import type { ResolvedOptions } from "../options/settings.js";
import type { EventLog } from "../pool/event-log.js";
import { NativeListeners } from "../pool/native-listeners.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { boundParams } from "../statement/check-sql.js";
import { StatementJob } from "../statement/statement-job.js";
import { refusedStream } from "../stream/refused-stream.js";
import type { RowStream } from "../stream/row-stream.js";
import { ExecuteMany } from "./execute-many.js";
import { ImplicitTransaction } from "./implicit-transaction.js";
import { Sequence } from "./sequence.js";
import { SessionTask, type TaskTimeout } from "./session-task.js";
import { SessionStreams } from "./streams.js";
import type { TransactionMode } from "./transaction-state.js";

export interface SessionContext {
  readonly driver: Driver;
  readonly options: ResolvedOptions;
  readonly events: EventLog;
  readonly origin: Origin;
}

/**
 * A connection that is lent to one caller alone: takes in what the caller's functions ask of it, and runs that in its
 * transaction. Transaction, Connection and their cursors are faces of one session.
 */
export class Session {
  readonly connection: PooledConnection;
  readonly driver: Driver;
  /** For what has its turn, and for the time after the last of that. */
  readonly transaction: ImplicitTransaction;
  readonly context: SessionContext;
  /** The work of the transaction's own function. */
  readonly sequence = new Sequence(this);
  /** The same, and those of the interactions nested in it. */
  readonly #sequences = [this.sequence];
  streams: SessionStreams | undefined;
  /** What callers were told of their statements. */
  #told: WeakSet<object> | undefined;
  /** What listened on the package's handle before the caller asked for it. */
  #listeners: NativeListeners | undefined;

  constructor(
    connection: PooledConnection,
    context: SessionContext,
    options: TransactionOptions,
    mode: TransactionMode,
  ) {
    const { driver, events } = context;
    this.connection = connection;
    this.driver = driver;
    this.transaction = new ImplicitTransaction(connection, driver, events, options, mode);
    this.context = context;
    connection.busy = () => connection.unanswered !== undefined;
  }

  /** The package's own handle. */
  get native(): unknown {
    const { native } = this.connection.conn;
    this.#listeners ??= new NativeListeners(native);
    return native;
  }

  /** What the caller has begun to listen to is not for the next. */
  forgetListeners(): void {
    this.#listeners?.forgetLater();
  }

  /** The work of the function of an interaction nested in it. */
  nest(): Sequence {
    const sequence = new Sequence(this);
    this.#sequences.push(sequence);
    return sequence;
  }

  /** A statement of the caller's. What is wrong with it is said before anything is sent. */
  statement<T>(
    sequence: Sequence,
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
    pick: ((result: Result) => T) | undefined,
  ): Deferred<T> {
    let bound: Params | undefined;
    try {
      this.#admit(sequence, options?.signal);
      bound = boundParams(this.driver, sql, params, options);
    } catch (error) {
      return refused(error);
    }
    const submit = () => {
      const job = new StatementJob(sequence, sql, bound, pick, options, this.#timeoutOf(options));
      muteUnhandled(job.deferred);
      sequence.push(job);
      return job.deferred as Deferred<T>;
    };
    if (!channels.statement.hasSubscribers) return submit();
    return traced(channels.statement, this.#traceOf(sql, bound !== undefined), submit);
  }

  /** One text, many params, as one statement of the caller's; `done` hears of it before what was asked for next. */
  many(
    sequence: Sequence,
    sql: string,
    listOfParams: readonly Params[],
    options: BulkOptions | undefined,
    done: (result: { rowCount: number }) => void,
  ): Deferred<{ rowCount: number }> {
    const work = new ExecuteMany(this.connection, this.transaction, sql, listOfParams);
    const act = async (task: SessionTask<{ rowCount: number }>) => {
      const result = await work.run(task);
      done(result);
      return result;
    };
    const limits = { signal: options?.signal, timeoutMillis: this.#timeoutOf(options) };
    const submit = () => this.task(sequence, act, limits, work.timeout);
    if (!channels.statement.hasSubscribers) return submit();
    return traced(channels.statement, this.#traceOf(sql, true, listOfParams.length), submit);
  }

  /** Something else that takes its turn among the statements. */
  task<T>(
    sequence: Sequence,
    act: (task: SessionTask<T>) => Promise<T>,
    limits?: InteractionLimits,
    timeout?: TaskTimeout,
  ): Deferred<T> {
    try {
      this.#admit(sequence, limits?.signal);
    } catch (error) {
      return refused(error);
    }
    const task = new SessionTask<T>(sequence, act, limits, timeout);
    muteUnhandled(task.deferred);
    sequence.push(task);
    return task.deferred;
  }

  /**
   * A stream has the session for itself while it is open: what is asked meanwhile is refused, since it would wait for
   * ever.
   */
  stream(
    sequence: Sequence,
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
  ): RowStream<unknown> {
    let bound: Params | undefined;
    try {
      this.#admit(sequence, undefined);
      bound = boundParams(this.driver, sql, params, options);
    } catch (error) {
      return refusedStream(this.driver, error);
    }
    const trace = channels.statement.hasSubscribers ? this.#traceOf(sql, bound !== undefined) : undefined;
    const statement = { sql, params: bound, rowMode: options?.rowMode ?? "object" } as const;
    const limits = { ...options, timeoutMillis: this.#timeoutOf(options) };
    this.streams ??= new SessionStreams(this);
    return this.streams.make(sequence, statement, limits, trace);
  }

  /** Nothing new is sent from now on: what waits is refused, what runs is cancelled at the server. */
  end(error: End): void {
    this.transaction.halt(error);
    this.streams?.fail(() => error);
    for (const sequence of this.#sequences) sequence.giveUp(error);
  }

  /**
   * Fires when nothing of this session is in flight, which is made so by force when it takes too long; undefined where
   * nothing is.
   */
  settled(): Promise<void> | undefined {
    return this.#sequences.some((sequence) => sequence.running) ? this.#settle() : undefined;
  }

  /**
   * Whether something was not settled by its deadline, and is not yet: what waits for the session may wait for long.
   */
  get late(): boolean {
    return this.streams?.late === true || this.#sequences.some((sequence) => sequence.late);
  }

  /** A caller was told of this error. */
  told(error: object): void {
    this.#told ??= new WeakSet();
    this.#told.add(error);
  }

  /**
   * It is over, and what was open is rolled back: what its own work failed with speaks for the whole of it from now on,
   * of which a part lasts or nothing. Until then a statement that was given up, and not sent or not applied, has said
   * so of itself.
   */
  ended(error: unknown): void {
    if (typeof error !== "object" || error === null || !this.#told?.has(error) || !("outcome" in error))
      return;
    if (this.transaction.committed) {
      if (error instanceof StatementTimeout || error instanceof CancelledError) setOutcome(error, "unknown");
    } else if (error.outcome !== "not sent") setOutcome(error, "not applied");
  }

  async #settle(): Promise<void> {
    const { cancellations } = this.connection;
    cancellations.limit();
    await Promise.all(this.#sequences.map((sequence) => sequence.idle()));
    if (cancellations.limited) cancellations.relieve();
  }

  /** Throws the reason why nothing is taken. */
  #admit(sequence: Sequence, signal: AbortSignal | undefined): void {
    const { halted } = this.transaction;
    if (halted !== undefined) throw halted;
    if (sequence.state === "closed") throw overError();
    if (this.streams?.busy) {
      throw new InterfaceError(
        "a stream is open on this transaction: end it, or read all rows with runQuery",
      );
    }
    if (!signal?.aborted) return;
    const error = unsentError(signal.reason);
    this.told(error);
    throw error;
  }

  #traceOf(sql: string, parameterized: boolean, batchSize?: number): StatementTrace {
    return { ...this.context.origin, sql, parameterized, batchSize, inTransaction: true };
  }

  #timeoutOf(options: BulkOptions | undefined): number | undefined {
    return options?.timeoutMillis ?? this.context.options.statementTimeoutMillis;
  }
}

/** The answer to work that a session does not take: its interaction fails with it, if its caller does not notice. */
export function refused(error: unknown): Deferred<never> {
  const deferred = fail(error) as unknown as Deferred<never>;
  muteUnhandled(deferred);
  return deferred;
}
