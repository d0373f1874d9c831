import type { Cancellation, Driver, Result } from "../../drivers/driver.js";
import {
  type AdbapiError,
  ConnectionLost,
  DataError,
  OperationalError,
  type Outcome,
} from "../errors/classes.js";
import { withDetails } from "../errors/details.js";
import { leftOpen } from "../errors/session-ended.js";
import { cancelledBy, executeOn, judged, readOn, translated } from "../pool/driver-guard.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { StatementJob } from "../statement/statement-job.js";
import type { TextStatistics } from "../statement/text-statistics.js";
import type { Loan } from "./loan.js";

/** A statement that stays at the head of its connection for longer is stuck: those behind it may go elsewhere. */
const STUCK_MILLIS = 100;
/** How often work that never reached a server is sent anew. */
const RESENDS = 3;

export interface InFlightHooks {
  readonly driver: Driver;
  readonly statistics: TextStatistics;
  readonly loans: ReadonlySet<Loan>;
  /** Whether a statement that never reached the server is sent again. */
  readonly reconnect: boolean;
  /** Something left the connection: it may be free. */
  settle(loan: Loan): void;
  /** The same; and what comes next? */
  advance(loan: Loan): void;
  /** Nothing of it was done: it waits again, ahead of all. */
  again(job: StatementJob, loan: Loan): void;
  /** The database says that it may write, and has not run it: it waits for the writer's place. */
  writes(job: StatementJob): void;
  /** Ends what is open on the session. */
  clean(lease: PooledConnection): boolean | Promise<boolean>;
}

/** Autocommitted statements on their connections, from the sending to the answer, with all that can come between. */
export class InFlight {
  /** What becomes of a statement whose connection dies. */
  readonly lostOutcome: Outcome = "unknown";
  readonly #hooks: InFlightHooks;
  #stuckTimer: NodeJS.Timeout | undefined;
  /** Statements that were answered, with a result or an error. */
  statements = 0;

  constructor(hooks: InFlightHooks) {
    this.#hooks = hooks;
  }

  /** @param unjudged whether the database has not said yet that it can write nothing, and is to run it only then */
  send(job: StatementJob, loan: Loan, stackable: boolean, unjudged: boolean): void {
    job.sent(loan);
    job.onSent?.();
    loan.worked = true;
    loan.stacking = stackable;
    loan.push(job);
    if (loan.jobs.length > 1 && this.#stuckTimer === undefined) this.#watch();
    const { sends } = job;
    const failed = (error: unknown) => this.#failed(loan, job, sends, error);
    if (unjudged && loan.conn.executeRead !== undefined)
      readOn(loan.conn, job).then((result) => {
        if (result === undefined) this.#unrun(loan, job, sends);
        else this.#answered(loan, job, sends, result);
      }, failed);
    else executeOn(loan.conn, job).then((result) => this.#answered(loan, job, sends, result), failed);
  }

  /** Asks the server to stop it; until that is over, nothing more comes within reach of the cancel. */
  interrupt(job: StatementJob): Cancellation {
    // A job of the dispatcher's has its place from `send` alone.
    const loan = job.place as Loan | undefined;
    const cancellation = loan?.lease.cancellations.stop(job);
    if (loan === undefined || cancellation === undefined)
      return { outcome: this.lostOutcome, done: Promise.resolve() };
    loan.cancels++;
    loan.sealed = true;
    this.#limit(loan);
    void cancellation.done.then(() => {
      loan.cancels--;
      this.#hooks.advance(loan);
    });
    return cancellation;
  }

  /** What is still on the connection will never be answered. */
  lost(loan: Loan, error: ConnectionLost): void {
    for (const job of [...loan.jobs]) this.#failed(loan, job, job.sends, error);
  }

  close(): void {
    clearTimeout(this.#stuckTimer);
  }

  #answered(loan: Loan, job: StatementJob, sends: number, result: Result): void {
    const { settle, advance, statistics } = this.#hooks;
    const now = performance.now();
    const { begunAt } = loan;
    loan.take(job, now);
    this.#limit(loan);
    // Rescued, and answered after all before it went elsewhere.
    if (job.sends === sends) job.line?.remove(job);
    // Sent once more elsewhere meanwhile: that is the answer that counts. Or its caller was answered while it waited
    // again.
    if (job.sends !== sends || job.state === "settled") {
      advance(loan);
      return;
    }
    this.statements++;
    // What was cancelled, or out of time, may have been cut short, and answered all the same.
    if (job.givenUp) statistics.overran(job.sql, job.text, now - begunAt);
    else statistics.learn(job.sql, job.text, now - begunAt, result?.readOnly);
    const state = loan.lease.session;
    if (loan.jobs.length === 0 && state !== "idle" && state !== "broken") {
      this.#leftOpen(loan, job);
      return;
    }
    // Whoever hears of the answer may ask for more at once: it may go onto this very connection.
    settle(loan);
    job.answered(result);
    advance(loan);
  }

  #failed(loan: Loan, job: StatementJob, sends: number, reason: unknown): void {
    const { driver, reconnect, again, advance, statistics } = this.#hooks;
    const now = performance.now();
    if (loan.jobs[0] === job) statistics.overran(job.sql, job.text, now - loan.begunAt);
    loan.take(job, now);
    this.#limit(loan);
    // Rescued: another connection gives, or will give, the answer that counts, unless its caller was answered while it
    // waited again.
    if (job.sends !== sends || job.waiting || job.state === "settled") {
      advance(loan);
      return;
    }
    const error = translated(driver, reason, job.sql);
    const cancelled = cancelledBy(driver, reason, job.sql);
    const lost = error instanceof ConnectionLost ? error.outcome : undefined;
    // The loss of a connection that was given up over a cancelled neighbour: the driver is sure that nothing of this
    // one lasts.
    const unsent = lost === "not sent" || (lost === "not applied" && loan.sealed);
    // A server can only cancel whatever runs: the cancel of a neighbour hit this one, and nothing of it was done.
    const hitByNeighboursCancel = cancelled === "not applied" && loan.sealed && job.text?.stackable === true;
    const spared = hitByNeighboursCancel || (unsent && reconnect) || (reconnect && this.#spoiled(error, job));
    if (job.state === "sent" && job.sends <= RESENDS && spared) again(job, loan);
    else {
      this.statements++;
      const { sql, params } = job;
      job.failed(withDetails(error, { sql, params }), cancelled);
    }
    advance(loan);
  }

  /** A text that only seemed to read: whoever does not wait for it any more has had their answer, or is out of time. */
  #unrun(loan: Loan, job: StatementJob, sends: number): void {
    const { advance, statistics, writes } = this.#hooks;
    loan.take(job, performance.now());
    this.#limit(loan);
    statistics.writes(job.sql, job.text);
    if (job.sends === sends && job.state === "sent") writes(job);
    else if (job.sends === sends && job.state !== "settled")
      job.failed(new OperationalError("it was not run", { sql: job.sql }), "not applied");
    advance(loan);
  }

  /** The session was given up over the answer to another statement; this one may have been run, and may run twice. */
  #spoiled(error: AdbapiError, job: StatementJob): boolean {
    if (!(error instanceof ConnectionLost && error.cause instanceof DataError)) return false;
    return judged(this.#hooks.driver, "repeatable", job.sql);
  }

  #leftOpen(loan: Loan, job: StatementJob): void {
    loan.cancels++;
    void Promise.resolve(this.#hooks.clean(loan.lease)).then(() => {
      loan.cancels--;
      job.failed(leftOpen(job.sql), undefined);
      this.#hooks.advance(loan);
    });
  }

  /**
   * What the server works at, or a cancel on its way, is owed to nobody: it has so long to be over. Whoever is ahead of
   * it keeps its own time.
   */
  #limit(loan: Loan): void {
    const { cancellations } = loan.lease;
    const [head] = loan.jobs;
    cancellations.relieve();
    if (head === undefined ? loan.cancels > 0 : head.givenUp) cancellations.limit();
  }

  /** Looks for statements that got stuck in front of others. */
  #watch(): void {
    const due = performance.now() + STUCK_MILLIS / 2;
    this.#stuckTimer = setTimeout(() => {
      this.#stuckTimer = undefined;
      const now = performance.now();
      // When this process itself was busy, the answers may be here, unread.
      const limit = now - STUCK_MILLIS - (now - due);
      let stacked = false;
      for (const loan of [...this.#hooks.loans]) {
        const head = loan.jobs[0];
        if (head === undefined || loan.jobs.length === 1) continue;
        stacked = true;
        if (loan.begunAt < limit && !loan.sealed) this.#rescue(loan);
      }
      if (stacked && this.#stuckTimer === undefined) this.#watch();
    }, STUCK_MILLIS / 2).unref();
  }

  /** What waits behind a stuck statement, and may be run twice, goes to the head of the queue. */
  #rescue(loan: Loan): void {
    const { driver, again, advance, statistics } = this.#hooks;
    const [head] = loan.jobs;
    if (head !== undefined) statistics.overran(head.sql, head.text, performance.now() - loan.begunAt);
    loan.sealed = true;
    for (const job of loan.jobs.slice(1)) {
      if (job.state === "sent" && judged(driver, "repeatable", job.sql)) again(job, loan);
    }
    advance(loan);
  }
}
