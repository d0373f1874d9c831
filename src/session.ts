import type {
  Cancellation,
  Driver,
  DriverConnection,
  Params,
  Result,
  Statement,
  TransactionOptions,
} from "../drivers/driver.js";
import { checkStatementOptions, type StatementOptions } from "./call-options.js";
import { within } from "./deadline.js";
import { failureLeft, muteUnhandled } from "./defer/deferred.js";
import { CancelledError, type Deferred } from "./defer/index.js";
import { channels, type Origin, type StatementTrace, traced } from "./diagnostics.js";
import { cancelOn, translated } from "./driver-faults.js";
import { setOutcome, withDetails } from "./error-details.js";
import {
  type AdbapiError,
  ConnectionLost,
  InterfaceError,
  OperationalError,
  type Outcome,
  TransactionAborted,
} from "./errors.js";
import type { Journal } from "./journal.js";
import type { Lease } from "./lease.js";
import type { ResolvedOptions } from "./options.js";
import { refused } from "./refused.js";
import { Sequence } from "./sequence.js";
import { type JobCarrier, StatementJob } from "./statement-job.js";
import { checkSql, mayEndTransaction } from "./statement-text.js";
import { Step } from "./step.js";
import { RowStream, refusedStream } from "./stream.js";
import type { Waiter } from "./waiting-line.js";

/** The longest that a session may take to settle what it was asked to stop, or to roll back. */
const SETTLE_MILLIS = 5_000;

/**
 * - `none`: no transaction; the next statement begins one;
 * - `open`: begun;
 * - `lost`: the database ended it under us: nothing more may run, or it would be committed on its own.
 */
type TransactionState = "none" | "open" | "lost";

/**
 * - `transaction`: the first statement begins one, which is the pool's to end;
 * - `connection`: the first statement begins one, which the caller may end in SQL too;
 * - `autocommit`: statements are on their own, unless the caller begins a transaction.
 */
export type SessionMode = "transaction" | "connection" | "autocommit";

/** Why nothing more runs: the interaction has ended, or was cancelled. */
export type End = AdbapiError | CancelledError;

export interface SessionContext {
  readonly driver: Driver;
  readonly options: ResolvedOptions;
  readonly journal: Journal;
  readonly origin: Origin;
}

/** Lists of params of a bulk between which it can be left. */
const BULK = 8_000;

/** One text with many params, while it runs. */
interface Bulk {
  readonly statement: Statement;
  readonly sequence: Sequence;
  /** Why it is to stop. */
  stopped: End | undefined;
  /** Called once the server has settled it. */
  over?: () => void;
}

/**
 * A connection that is somebody's alone, and its transaction: begins it with the first statement, runs one statement at a time in the order
 * asked, and looks at the transaction's state after each. Transaction, Connection and their cursors are faces of one session.
 */
export class Session implements JobCarrier {
  readonly conn: DriverConnection;
  readonly driver: Driver;
  readonly #context: SessionContext;
  #transaction: TransactionOptions;
  #mode: SessionMode;
  #state: TransactionState = "none";
  #ended: End | undefined;
  #current: StatementJob | undefined;
  #bulk: Bulk | undefined;
  /** The transaction's own, and those of the interactions nested in it. */
  readonly #sequences = new Set<Sequence>();
  /** Statements that failed, to see at the end whether anybody noticed. */
  readonly #failed: { readonly deferred: Deferred<unknown>; readonly sequence: Sequence }[] = [];
  /** Cancels that may still hit whatever runs. */
  readonly #cancels: Promise<void>[] = [];
  #streaming: RowStream<unknown> | undefined;
  #savepoints = 0;
  /** What the callers of this session's own work were told. */
  readonly #told = new WeakSet<object>();
  /** A part of the work may last, whatever comes: a commit of the caller's own, a statement that commits by itself. */
  #committed = false;
  /** COMMIT is on its way. */
  #committing = false;
  /** The first failure that running the whole again may avoid. */
  retryable: AdbapiError | undefined;

  constructor(lease: Lease, context: SessionContext, transaction: TransactionOptions, mode: SessionMode) {
    this.conn = lease.conn;
    this.driver = context.driver;
    this.#context = context;
    this.#transaction = transaction;
    this.#mode = mode;
    lease.busy = () => this.#current !== undefined || this.#bulk !== undefined;
  }

  get mode(): SessionMode {
    return this.#mode;
  }

  /** What becomes of what was done so far, when nothing more comes. */
  get lostOutcome(): Outcome {
    if (this.#mode === "autocommit" && this.#state === "none") return "unknown";
    const current = this.#current?.sql;
    return this.#committed || this.#committing || (current !== undefined && mayEndTransaction(current))
      ? "unknown"
      : "not applied";
  }

  /** Whether a part of the work may last: then it must not be done again. */
  get committed(): boolean {
    return this.#committed;
  }

  /** From inside of a step: the next statement begins a transaction, the pool's to end. */
  enterTransaction(transaction: TransactionOptions): void {
    if (this.#state !== "none" || this.#mode !== "autocommit") {
      throw new InterfaceError("a transaction is open already on this session: end it first");
    }
    this.#transaction = transaction;
    this.#mode = "transaction";
    this.#committed = false;
  }

  /** After the end of that transaction: statements are on their own again. */
  leaveTransaction(): void {
    this.#mode = "autocommit";
  }

  /** A line of work: one for the transaction, and one for each interaction nested in it. */
  open(): Sequence {
    const sequence = new Sequence((work) => this.#perform(work));
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
      bound = this.#bound(sql, params, options);
    } catch (error) {
      return refused(error);
    }
    const submit = () => {
      const job = new StatementJob(this, sql, bound, pick, options, this.#timeoutOf(options));
      muteUnhandled(job.deferred);
      job.sequence = sequence;
      sequence.push(job);
      return job.deferred as Deferred<T>;
    };
    if (!channels.statement.hasSubscribers) return submit();
    return traced(channels.statement, this.#trace(sql, bound !== undefined), submit);
  }

  /** One text, many params, as one statement of the caller's; `done` hears of it before what was asked for next. */
  many(
    sequence: Sequence,
    sql: string,
    listOfParams: readonly Params[],
    done: (result: { rowCount: number }) => void,
  ): Deferred<{ rowCount: number }> {
    const submit = () =>
      this.step<{ rowCount: number }>(sequence, async (step) => {
        const { rowCount } = await this.#executeMany(step, sequence, sql, listOfParams);
        done({ rowCount });
        return { rowCount };
      });
    if (!channels.statement.hasSubscribers) return submit();
    return traced(channels.statement, this.#trace(sql, true, listOfParams.length), submit);
  }

  /** Something else that takes its turn among the statements. */
  step<T>(sequence: Sequence, act: (step: Step<T>) => Promise<T>): Deferred<T> {
    try {
      this.#admit(sequence, undefined);
    } catch (error) {
      return refused(error);
    }
    const step = new Step<T>(act, {
      failed: () => this.#failed.push({ deferred: step.deferred, sequence }),
      told: (error) => this.told(error),
    });
    muteUnhandled(step.deferred);
    sequence.push(step);
    return step.deferred;
  }

  /** A stream has the session for itself while it is open: what is asked meanwhile is refused, since it would wait for ever. */
  stream(
    sequence: Sequence,
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
  ): RowStream<unknown> {
    let bound: Params | undefined;
    try {
      this.#admit(sequence, undefined);
      bound = this.#bound(sql, params, options);
    } catch (error) {
      return refusedStream(this.driver, error);
    }
    const statement = {
      sql,
      params: bound,
      rowMode: options?.rowMode ?? "object",
    } as const;
    const opener = {
      driver: this.driver,
      trace: channels.statement.hasSubscribers ? this.#trace(sql, bound !== undefined) : undefined,
      lostOutcome: this.lostOutcome,
      told: (error: object) => this.told(error),
      open: () =>
        new Promise<{ conn: DriverConnection; done(): void }>((resolve, reject) => {
          const opened = this.step(sequence, async () => {
            if (sequence.state !== "open") throw overError();
            await this.begin();
            this.#streaming = stream;
            await new Promise<void>((done) => resolve({ conn: this.conn, done }));
            this.#streaming = undefined;
            this.#look();
          });
          opened.addErrback((failure) => reject(failure.value));
        }),
    };
    const timeoutMillis = this.#timeoutOf(options);
    const stream: RowStream<unknown> = new RowStream(opener, statement, { ...options, timeoutMillis });
    return stream;
  }

  /** For the library's own SQL, from inside of a step. */
  async run(sql: string): Promise<Result> {
    await this.begin();
    return this.#sent(sql, this.conn.execute({ sql, params: undefined, rowMode: "object" }));
  }

  /** From inside of a step: a transaction is open after it, where statements have one. */
  async begin(): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#state === "lost") throw this.#aborted();
    if (this.#state === "open" || this.#mode === "autocommit") return;
    await this.#sent("BEGIN", this.conn.begin(this.#transaction));
    this.#state = "open";
  }

  /** From inside of a step of that line, which may be cancelled: one text, many params. */
  async #executeMany(
    step: Step<{ rowCount: number }>,
    sequence: Sequence,
    sql: string,
    listOfParams: readonly Params[],
  ): Promise<{ rowCount: number }> {
    await this.begin();
    const { conn } = this;
    const bulk: Bulk = {
      statement: { sql, params: undefined, rowMode: "array" },
      sequence,
      stopped: undefined,
    };
    step.whenCancelled = (error) => this.#stopBulk(error);
    this.#bulk = bulk;
    const size = conn.executeMany === undefined ? 1 : BULK;
    let rowCount = 0;
    try {
      for (let from = 0; from < listOfParams.length && bulk.stopped === undefined; from += size) {
        if (this.#state === "lost") throw this.#aborted();
        const some = listOfParams.slice(from, from + size);
        const sent =
          conn.executeMany?.(sql, some, bulk.statement) ??
          conn.execute({ ...bulk.statement, params: some[0] });
        rowCount += (await this.#sent(sql, sent)).rowCount;
      }
    } finally {
      this.#bulk = undefined;
      bulk.over?.();
    }
    if (bulk.stopped !== undefined) throw bulk.stopped;
    return { rowCount };
  }

  /** From inside of a step: fires with the name of a new savepoint. */
  async savepoint(): Promise<string> {
    this.#savepoints++;
    const name = `adbapi_${this.#savepoints}`;
    await this.run(`SAVEPOINT ${name}`);
    return name;
  }

  /** Undoes what came after the savepoint. Never rejects: if it cannot be done, the transaction is not committed either. */
  async rollbackTo(name: string): Promise<void> {
    if (this.#state !== "open" || this.#ended !== undefined) return;
    try {
      await this.#sent(
        "ROLLBACK",
        this.conn.execute({ sql: `ROLLBACK TO SAVEPOINT ${name}`, params: undefined, rowMode: "object" }),
      );
      this.retryable = undefined;
    } catch (error) {
      this.#context.journal.rollbackFailed(error);
      this.#state = "lost";
    }
  }

  /** Fires only when the transaction, if there was one, is committed. */
  async commit(): Promise<void> {
    if (this.#state === "lost") throw this.#aborted();
    const open =
      this.#state === "open" || (this.#mode !== "transaction" && this.conn.state === "in transaction");
    if (!open) return;
    this.#committing = true;
    try {
      await this.conn.commit();
      this.#state = "none";
      this.#committed = true;
    } catch (reason) {
      const error = translated(this.driver, reason);
      const cause = this.retryable;
      // Somebody swallowed the failure that led to this one.
      if (error instanceof TransactionAborted && cause !== undefined)
        throw new TransactionAborted(error.message, { sql: "COMMIT", retryable: true, cause });
      this.#note(error);
      if (error instanceof ConnectionLost) {
        // Sent and not answered: it may have been done. Never called "not applied", never sent again.
        this.#committed ||= error.outcome !== "not sent";
        setOutcome(error, this.#committed ? "unknown" : "not applied");
      }
      throw withDetails(error, { sql: "COMMIT" });
    } finally {
      this.#committing = false;
    }
  }

  /** Ends the transaction, if one may be open. Never rejects: a session that cannot be rolled back is destroyed. */
  async rollback(why: unknown): Promise<void> {
    const { conn } = this;
    if (conn.state !== "idle" && conn.state !== "broken") {
      const late = () => new OperationalError(`ROLLBACK had no answer in ${SETTLE_MILLIS} ms`);
      try {
        await within(conn.rollback(), SETTLE_MILLIS, late);
        this.#context.journal.rolledBack(why);
      } catch (error) {
        this.#context.journal.rollbackFailed(error);
        conn.destroy();
      }
    }
    this.#state = "none";
  }

  /** After a rollback: what this session's own work failed with can tell more than was known then. */
  undone(error: unknown): void {
    if (this.#committed || typeof error !== "object" || error === null || !this.#told.has(error)) return;
    if ("outcome" in error && error.outcome !== "not sent") setOutcome(error, "not applied");
  }

  told(error: object): void {
    this.#told.add(error);
  }

  /** Nothing new is sent from now on: what waits is refused, what runs is cancelled at the server. */
  end(error: End): void {
    this.#ended ??= error;
    for (const sequence of this.#sequences)
      for (const work of sequence.clear()) work.refuse(error as AdbapiError);
    this.#current?.cancel(error);
    this.#stopBulk(error);
    this.#streaming?.fail(error);
  }

  /** The function of a line is over: fires when all that it asked for is done. A stream that it left open is ended. */
  finish(sequence: Sequence): Promise<void> {
    sequence.state = "ending";
    this.#streaming?.fail(overError());
    return sequence.idle();
  }

  /** No more work is taken by one line: its interaction is over. */
  close(sequence: Sequence): void {
    sequence.state = "closed";
    this.#streaming?.fail(overError());
    for (const work of sequence.clear()) work.refuse(overError());
  }

  /** As `close`, of an interaction that is cancelled: what runs of it is cancelled too. */
  leave(sequence: Sequence, error: CancelledError): void {
    sequence.state = "closed";
    this.#streaming?.fail(error);
    for (const work of sequence.clear()) work.refuse(error as End as AdbapiError);
    if (this.#current?.sequence === sequence) this.#current.cancel(error);
    if (this.#bulk?.sequence === sequence) this.#stopBulk(error);
  }

  /** Fires when nothing of this session is in flight, which is made so by force when it takes too long. */
  async settled(): Promise<void> {
    const all = Promise.all([...this.#sequences].map((sequence) => sequence.idle()));
    try {
      await within(all, SETTLE_MILLIS, () => new OperationalError("the session did not settle"));
    } catch {
      this.conn.destroy();
    }
  }

  /** The failure of a statement of this line that nobody has noticed. */
  unnoticed(sequence: Sequence): unknown {
    for (const { deferred, sequence: of } of this.#failed) {
      const failure = of === sequence ? failureLeft(deferred) : undefined;
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  withdraw(job: StatementJob): void {
    job.sequence?.remove(job);
  }

  interrupt(job: StatementJob): Cancellation {
    const { cancellation, over } = this.#stop(job);
    job.whenOver = over;
    return cancellation;
  }

  #stopBulk(error: End): void {
    const bulk = this.#bulk;
    if (bulk === undefined || bulk.stopped !== undefined) return;
    bulk.stopped = error;
    bulk.over = this.#stop(bulk.statement).over;
  }

  /** Asks the server to stop what it works at; `over` is to be called once that has settled, or the session ends at a deadline. */
  #stop(statement: Statement): { readonly cancellation: Cancellation; readonly over: () => void } {
    const { conn } = this;
    const cancellation = cancelOn(conn, statement);
    if (cancellation === undefined) {
      conn.destroy();
      return { cancellation: { outcome: this.lostOutcome, done: Promise.resolve() }, over: () => {} };
    }
    this.#cancels.push(cancellation.done);
    const deadline = setTimeout(() => conn.destroy(), SETTLE_MILLIS).unref();
    return { cancellation, over: () => clearTimeout(deadline) };
  }

  async #perform(work: Waiter): Promise<void> {
    if (this.#ended !== undefined) return work.refuse(this.#ended as AdbapiError);
    if (work instanceof StatementJob) await this.#execute(work);
    else await (work as Step).perform();
    // A cancel that is still on its way must not hit the next one.
    while (this.#cancels.length > 0) await this.#cancels.pop();
  }

  async #execute(job: StatementJob): Promise<void> {
    if (this.#state === "lost") return job.refuse(this.#aborted());
    this.#current = job;
    job.sent();
    job.begun(performance.now());
    let answer: () => void;
    let failure: AdbapiError | undefined;
    try {
      const result = await this.#begunWith(job);
      answer = () => job.answered(result);
    } catch (reason) {
      const unsent = reason instanceof Unsent;
      const cancelled = unsent ? "not sent" : this.driver.cancelled?.(reason, job.sql);
      const { sql, params } = job;
      const error = withDetails(translated(this.driver, reason), { sql, params, outcome: this.lostOutcome });
      this.#note(error);
      failure = error;
      this.#failed.push({ deferred: job.deferred, sequence: job.sequence as Sequence });
      answer = () => job.failed(error, cancelled);
    }
    this.#look(failure);
    // BEGIN failed, or its first statement ended the transaction: a function that swallows that must not seem to have committed.
    if (failure !== undefined && this.#state === "none" && this.#mode === "transaction") this.#state = "lost";
    this.#current = undefined;
    job.whenOver?.();
    answer();
  }

  async #begunWith(job: StatementJob): Promise<Result> {
    const { conn } = this;
    if (this.#state === "open" || this.#mode === "autocommit") return conn.execute(job);
    if (this.#mode === "connection" && this.driver.outsideTransaction?.(job.sql)) return conn.execute(job);
    if (conn.beginWith !== undefined) {
      const result = await conn.beginWith(this.#transaction, job);
      this.#state = "open";
      return result;
    }
    await conn.begin(this.#transaction);
    this.#state = "open";
    // Cancelled, or out of time, while BEGIN was on its way.
    if (job.state !== "sent") throw new Unsent("given up before it was sent");
    return conn.execute(job);
  }

  /** On some databases a statement can end the transaction: what comes after it would be committed on its own. */
  #look(failure?: AdbapiError): void {
    const { state } = this.conn;
    if (this.#state === "open" && (state === "idle" || state === "broken")) {
      // A deadlock undid it; anything else that ended it may have committed.
      if (state === "idle" ? failure?.retryable !== true : this.lostOutcome === "unknown") {
        this.#committed = true;
      }
      this.#state = this.#mode !== "transaction" && state === "idle" ? "none" : "lost";
    } else if (this.#state === "none" && state === "in transaction") this.#state = "open";
  }

  async #sent<T>(sql: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (reason) {
      const error = withDetails(translated(this.driver, reason), { sql, outcome: this.lostOutcome });
      this.#note(error);
      throw error;
    } finally {
      this.#look();
    }
  }

  #note(error: AdbapiError): void {
    if (error.retryable) this.retryable ??= error;
  }

  #aborted(): AdbapiError {
    const cause = this.retryable;
    const retryable = cause !== undefined;
    if (this.conn.state === "broken") {
      return new ConnectionLost("the connection was lost earlier in this transaction: nothing more is sent", {
        outcome: "not applied",
      });
    }
    const message =
      "the database ended the transaction under the interaction (a deadlock, or a statement that commits or rolls back by itself, such as " +
      "COMMIT, ROLLBACK or, on MySQL, DDL): nothing more is sent";
    return new TransactionAborted(message, { retryable, ...(retryable ? { cause } : {}) });
  }

  /** Throws the reason why nothing is taken. */
  #admit(sequence: Sequence, signal: AbortSignal | undefined): void {
    if (this.#ended !== undefined) throw this.#ended;
    if (sequence.state === "closed") throw overError();
    if (this.#streaming !== undefined) {
      throw new InterfaceError(
        "a stream is open on this transaction: end it first, or read all rows with runQuery",
      );
    }
    if (signal?.aborted) {
      throw new CancelledError("cancelled before it was sent", { cause: signal.reason, outcome: "not sent" });
    }
  }

  #bound(sql: string, params: Params | undefined, options: StatementOptions | undefined): Params | undefined {
    checkSql(sql);
    checkStatementOptions(options);
    return params === undefined ? undefined : (this.driver.bind?.(params) ?? params);
  }

  #trace(sql: string, parameterized: boolean, batchSize?: number): StatementTrace {
    return { ...this.#context.origin, sql, parameterized, batchSize, inTransaction: true };
  }

  #timeoutOf(options: StatementOptions | undefined): number | undefined {
    return options?.timeoutMillis ?? this.#context.options.statementTimeoutMillis;
  }
}

/** A statement that was given up before it was its turn. */
class Unsent extends OperationalError {}

/** What every use of a transaction gets after its end. */
export function overError(): InterfaceError {
  return new InterfaceError(
    "the transaction has ended and nothing was sent: use it only inside of its interaction, and await what it does there",
  );
}
