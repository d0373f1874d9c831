import type { Cancellation } from "../../drivers/driver.js";
import { failureLeft } from "../defer/deferred.js";
import type { Deferred } from "../defer/index.js";
import type { AdbapiError, Outcome } from "../errors/classes.js";
import { type End, overError } from "../errors/session-ended.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { type JobCarrier, StatementJob } from "../statement/statement-job.js";
import { type Waiter, WaitingLine } from "../statement/waiting-line.js";
import { illegalMove } from "../transition.js";
import type { ImplicitTransaction, StatementEnd } from "./implicit-transaction.js";
import { SessionTask, type TaskCarrier } from "./session-task.js";

/** What a sequence needs of the session whose work it is. */
export interface SequencedSession {
  readonly connection: PooledConnection;
  readonly transaction: ImplicitTransaction;
  /** Undefined until it has had one. */
  readonly streams: { fail(error: () => Error): void } | undefined;
  /** A caller is told of this error. */
  told(error: object): void;
}

/**
 * - `open`: takes work;
 * - `ending`: its function is over: what the function asked for still runs, but a stream that it left open would never
 *   end;
 * - `closed`: its interaction is over: nothing more is taken.
 */
type SequenceState = "open" | "ending" | "closed";

const MOVES: Readonly<Record<SequenceState, readonly SequenceState[]>> = {
  open: ["ending", "closed"],
  ending: ["closed"],
  closed: [],
};

/**
 * The work that one function asks of a session: one piece after the other, in the order asked. A transaction has one,
 * and each interaction nested in it has another.
 */
export class Sequence implements JobCarrier, TaskCarrier {
  readonly #session: SequencedSession;
  readonly #line = new WaitingLine();
  /** Changed by its own moves alone. */
  state: SequenceState = "open";
  /** What has begun, and has not ended; changed here alone. */
  running: Waiter | undefined;
  #whenIdle: (() => void)[] | undefined;
  /** What failed; each Deferred knows whether its caller has noticed. */
  #failed: Deferred<unknown>[] | undefined;

  constructor(session: SequencedSession) {
    this.#session = session;
  }

  /** Whether what runs was not settled by its deadline. */
  get late(): boolean {
    const running = this.running;
    if (running instanceof StatementJob) return running.state === "late";
    return running instanceof SessionTask && running.late;
  }

  /** The failure of a piece of its work that the caller has not noticed. */
  get unnoticed(): unknown {
    for (const deferred of this.#failed ?? []) {
      const failure = failureLeft(deferred);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  push(work: Waiter): void {
    if (this.running === undefined) void this.#run(work);
    else this.#line.push(work);
  }

  /**
   * Its function is over: fires when all that the function asked for is done; undefined where that is so already. A
   * stream that the function left open is ended.
   */
  finish(): Promise<void> | undefined {
    if (this.state === "open") this.#move("ending");
    this.#session.streams?.fail(overError);
    return this.idle();
  }

  /** Its interaction is over: no more work is taken. */
  close(): void {
    this.#close(overError);
    this.#refuseAll(overError);
  }

  /** As `close`, of an interaction that is given up: what runs of it is cancelled too. */
  leave(error: End): void {
    this.#close(() => error);
    this.giveUp(error);
  }

  /** What waits is refused, and what runs is cancelled. */
  giveUp(error: End): void {
    this.#refuseAll(() => error);
    const running = this.running;
    if (running instanceof StatementJob) running.cancel(error);
    else if (running instanceof SessionTask) running.giveUp(error);
  }

  /** Fires when nothing runs and nothing is left to run; undefined where that is so already. */
  idle(): Promise<void> | undefined {
    if (this.running === undefined) return undefined;
    return new Promise((resolve) => {
      this.#whenIdle ??= [];
      this.#whenIdle.push(resolve);
    });
  }

  /** A piece of its work has failed, and the caller is not told yet. */
  failed(deferred: Deferred<unknown>): void {
    this.#failed ??= [];
    this.#failed.push(deferred);
  }

  /** What becomes of a statement whose connection dies. */
  get lostOutcome(): Outcome {
    return this.#session.transaction.lostOutcome;
  }

  told(error: object): void {
    this.#session.told(error);
  }

  limit(): void {
    this.#session.connection.cancellations.limit();
  }

  withdraw(job: StatementJob): void {
    job.line?.remove(job);
  }

  interrupt(job: StatementJob): Cancellation {
    const cancellation = this.#session.connection.cancellations.stop(job);
    return cancellation ?? { outcome: this.lostOutcome, done: Promise.resolve() };
  }

  async #run(first: Waiter): Promise<void> {
    const { transaction, connection } = this.#session;
    for (let work: Waiter | undefined = first; work !== undefined; work = this.#next()) {
      this.running = work;
      const refusal = transaction.halted ?? (work instanceof StatementJob ? transaction.lost() : undefined);
      if (refusal !== undefined) {
        work.refuse(refusal as AdbapiError);
        continue;
      }
      if (work instanceof StatementJob) {
        work.sent();
        work.begun(connection.resultLimit);
        this.#answer(work, await transaction.execute(work));
      } else await (work as SessionTask).perform();
      const cancelsOver = connection.cancellations.settled();
      if (cancelsOver !== undefined) await cancelsOver;
      // What is left of an ended session has a deadline too.
      if (transaction.halted !== undefined) connection.cancellations.limit();
    }
    this.running = undefined;
    const waiting = this.#whenIdle;
    this.#whenIdle = undefined;
    for (const resolve of waiting ?? []) resolve();
  }

  #answer(job: StatementJob, end: StatementEnd): void {
    if (end.failure === undefined) job.answered(end.result);
    else {
      this.failed(job.deferred);
      job.failed(end.failure, end.cancelled);
    }
  }

  #next(): Waiter | undefined {
    const { first } = this.#line;
    if (first !== undefined) this.#line.remove(first);
    return first;
  }

  #refuseAll(error: () => End): void {
    for (let work = this.#next(); work !== undefined; work = this.#next())
      work.refuse(error() as AdbapiError);
  }

  #close(error: () => End): void {
    if (this.state !== "closed") this.#move("closed");
    this.#session.streams?.fail(error);
  }

  #move(to: SequenceState): void {
    if (!MOVES[this.state].includes(to)) throw illegalMove("a sequence", this.state, to);
    this.state = to;
  }
}
