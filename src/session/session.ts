import type { Cancellation, Driver, Params, Result, TransactionOptions } from "../../drivers/driver.js";
import { muteUnhandled } from "../defer/deferred.js";
import type { Deferred } from "../defer/index.js";
import { channels, type Origin, type StatementTrace, traced } from "../diagnostics/channels.js";
import { unsentError } from "../errors/cancelled-before.js";
import { type AdbapiError, InterfaceError, OperationalError, type Outcome } from "../errors/classes.js";
import { type End, overError } from "../errors/session-ended.js";
import { interactionTimeout } from "../errors/timeouts.js";
import type { BulkOptions, InteractionLimits, StatementOptions } from "../options/call-options.js";
import type { ResolvedOptions } from "../options/settings.js";
import type { EventLog } from "../pool/event-log.js";
import { NativeListeners } from "../pool/native-listeners.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { boundParams } from "../statement/bound-params.js";
import { type JobCarrier, StatementJob } from "../statement/statement-job.js";
import type { Waiter } from "../statement/waiting-line.js";
import { type RowStream, refusedStream } from "../stream/row-stream.js";
import { within } from "../timeouts/deadline.js";
import { Bulk, bulkHooks } from "./execute-many.js";
import { SessionFailures } from "./failures.js";
import { ImplicitTransaction, type TransactionMode } from "./implicit-transaction.js";
import { refused } from "./refused.js";
import { Sequence } from "./sequence.js";
import { Step, type StepHooks } from "./step.js";
import { SessionStreams } from "./streams.js";

/** The longest that a session may take to settle what it was asked to stop. */
const SETTLE_MILLIS = 5_000;

export interface SessionContext {
  readonly driver: Driver;
  readonly options: ResolvedOptions;
  readonly events: EventLog;
  readonly origin: Origin;
}

/**
 * A connection that is somebody's alone: takes in what they ask of it, and runs one piece after the other in its
 * transaction. Transaction, Connection and their cursors are faces of one session.
 */
export class Session implements JobCarrier {
  readonly lease: PooledConnection;
  readonly driver: Driver;
  /** For those who are inside of a step, or after the end of all of them. */
  readonly transaction: ImplicitTransaction;
  readonly #context: SessionContext;
  readonly #streams: SessionStreams;
  /** The transaction's own, and those of the interactions nested in it. */
  readonly #sequences = new Set<Sequence>();
  /** What the server works at. */
  #running: StatementJob | Bulk | undefined;
  readonly #failures = new SessionFailures();
  /** Who listened on the package's handle before the taker asked for it. */
  #listeners: NativeListeners | undefined;

  constructor(
    lease: PooledConnection,
    context: SessionContext,
    options: TransactionOptions,
    mode: TransactionMode,
  ) {
    const { driver, events } = context;
    this.lease = lease;
    this.driver = driver;
    this.transaction = new ImplicitTransaction(lease, driver, events, options, mode);
    this.#context = context;
    this.#streams = new SessionStreams(this);
    lease.busy = () => this.#running !== undefined;
  }

  get lostOutcome(): Outcome {
    return this.transaction.lostOutcome;
  }

  /** The package's own handle. */
  get native(): unknown {
    const { native } = this.lease.conn;
    this.#listeners ??= new NativeListeners(native);
    return native;
  }

  /** What its taker has begun to listen to is not for the next. */
  forgetListeners(): void {
    this.#listeners?.forgetLater();
  }

  /** A line of work: one for the transaction, and one for each interaction nested in it. */
  open(): Sequence {
    const sequence: Sequence = new Sequence((work) => this.#perform(work, sequence));
    this.#sequences.add(sequence);
    return sequence;
  }

  /** A statement of the caller's. What is wrong with it is said before anything is sent. */
  statement<T>(
    sequence: Sequence,
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
    pick: (result: Result) => T,
  ): Deferred<T> {
    let bound: Params | undefined;
    try {
      this.#admit(sequence, options?.signal);
      bound = boundParams(this.driver, sql, params, options);
    } catch (error) {
      return refused(error);
    }
    const submit = () => {
      const job = new StatementJob(this, sql, bound, pick, options, this.#timeoutOf(options));
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
    const act = async (step: Step<{ rowCount: number }>) => {
      step.restart();
      await this.transaction.begin();
      if (step.givenUp !== undefined) throw step.givenUp;
      const bulk = new Bulk(this.lease, this.transaction, sql);
      this.#running = bulk;
      step.whenGivenUp = (error) => bulk.cancel(error);
      const result = await bulk.run(listOfParams).finally(() => {
        this.#running = undefined;
      });
      done(result);
      return result;
    };
    const limits = { signal: options?.signal, timeoutMillis: this.#timeoutOf(options) };
    const submit = () => this.step(sequence, act, limits, bulkHooks(sql));
    if (!channels.statement.hasSubscribers) return submit();
    return traced(channels.statement, this.#traceOf(sql, true, listOfParams.length), submit);
  }

  /** Something else that takes its turn among the statements. */
  step<T>(
    sequence: Sequence,
    act: (step: Step<T>) => Promise<T>,
    limits?: InteractionLimits,
    own: Partial<StepHooks> = {},
  ): Deferred<T> {
    try {
      this.#admit(sequence, limits?.signal);
    } catch (error) {
      return refused(error);
    }
    const hooks: StepHooks = {
      failed: () => this.#failures.add(step.deferred, sequence),
      owed: () => this.lease.cancellations.limit(),
      told: (error) => this.told(error),
      expiredOutcome: () => this.lostOutcome,
      timeout: interactionTimeout,
      ...own,
    };
    const step = new Step<T>(act, hooks, limits);
    muteUnhandled(step.deferred);
    sequence.push(step);
    return step.deferred;
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
    return this.#streams.make(sequence, statement, limits, trace);
  }

  /** Nothing new is sent from now on: what waits is refused, what runs is cancelled at the server. */
  end(error: End): void {
    this.transaction.halt(error);
    this.#streams.fail(() => error);
    for (const sequence of this.#sequences) giveUp(sequence, error);
  }

  /** The function of a line is over: fires when all that it asked for is done. A stream that it left open is ended. */
  finish(sequence: Sequence): Promise<void> {
    sequence.state = "ending";
    this.#streams.fail(overError);
    return sequence.idle();
  }

  /** No more work is taken by one line: its interaction is over. */
  close(sequence: Sequence): void {
    sequence.state = "closed";
    this.#streams.fail(overError);
    refuseAll(sequence, overError);
  }

  /** As `close`, of an interaction that is given up: what runs of it is cancelled too. */
  leave(sequence: Sequence, error: End): void {
    sequence.state = "closed";
    this.#streams.fail(() => error);
    giveUp(sequence, error);
  }

  /** Fires when nothing of this session is in flight, which is made so by force when it takes too long. */
  async settled(): Promise<void> {
    const all = Promise.all([...this.#sequences].map((sequence) => sequence.idle()));
    try {
      await within(all, SETTLE_MILLIS, () => new OperationalError("the session did not settle"));
    } catch {
      this.lease.destroy();
    }
  }

  /**
   * Whether something was not settled by its deadline, and is not yet: whoever waits for the session now may wait for
   * long.
   */
  get late(): boolean {
    return this.#streams.late || [...this.#sequences].some((sequence) => sequence.late);
  }

  /** The failure of a statement of this line that nobody has noticed. */
  unnoticed(sequence: Sequence): unknown {
    return this.#failures.unnoticed(sequence);
  }

  told(error: object): void {
    this.#failures.told(error);
  }

  /** It is over, and what was open is rolled back: what its own work failed with can tell more than was known then. */
  ended(error: unknown): void {
    this.#failures.ended(error, this.transaction.committed);
  }

  withdraw(job: StatementJob): void {
    job.line?.remove(job);
  }

  interrupt(job: StatementJob): Cancellation {
    const cancellation = this.lease.cancellations.stop(job);
    return cancellation ?? { outcome: this.lostOutcome, done: Promise.resolve() };
  }

  async #perform(work: Waiter, sequence: Sequence): Promise<void> {
    const { halted } = this.transaction;
    if (halted !== undefined) return work.refuse(halted as AdbapiError);
    if (work instanceof StatementJob) await this.#execute(work, sequence);
    else await (work as Step).perform();
    await this.lease.cancellations.settled();
  }

  async #execute(job: StatementJob, sequence: Sequence): Promise<void> {
    const lost = this.transaction.lost();
    if (lost !== undefined) return job.refuse(lost);
    this.#running = job;
    job.sent();
    job.begun(this.lease.resultLimit);
    // Cancelled, or out of time, while BEGIN was on its way: then it is not sent.
    const end = await this.transaction.execute(job, () => job.state === "sent");
    this.#running = undefined;
    if (end.failure === undefined) return job.answered(end.result);
    this.#failures.add(job.deferred, sequence);
    job.failed(end.failure, end.cancelled);
  }

  /** Throws the reason why nothing is taken. */
  #admit(sequence: Sequence, signal: AbortSignal | undefined): void {
    const { halted } = this.transaction;
    if (halted !== undefined) throw halted;
    if (sequence.state === "closed") throw overError();
    if (this.#streams.busy) {
      throw new InterfaceError("a stream is open: end it, or read all rows with runQuery");
    }
    if (!signal?.aborted) return;
    const error = unsentError(signal.reason);
    this.told(error);
    throw error;
  }

  #traceOf(sql: string, parameterized: boolean, batchSize?: number): StatementTrace {
    return { ...this.#context.origin, sql, parameterized, batchSize, inTransaction: true };
  }

  #timeoutOf(options: BulkOptions | undefined): number | undefined {
    return options?.timeoutMillis ?? this.#context.options.statementTimeoutMillis;
  }
}

function giveUp(sequence: Sequence, error: End): void {
  refuseAll(sequence, () => error);
  const { running } = sequence;
  if (running instanceof StatementJob) running.cancel(error);
  else if (running instanceof Step) running.giveUp(error);
}

function refuseAll(sequence: Sequence, error: () => End): void {
  for (const work of sequence.clear()) work.refuse(error() as AdbapiError);
}
