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
import type { Connections } from "../pool/connections.js";
import { cancelledBy, judged, readOn, translated } from "../pool/driver-guard.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { StatementJob } from "../statement/statement-job.js";
import type { TextStatistics } from "../statement/text-statistics.js";
import type { Borrowed } from "./borrowed.js";
import type { Queue } from "./queue.js";

/** A statement that stays at the head of its connection for longer is stuck: those behind it may go elsewhere. */
const STUCK_MILLIS = 100;
/** How often work that never reached a server is sent anew. */
const RESENDS = 3;

/** What statements in flight have to do with. */
export interface Surroundings {
  readonly driver: Driver;
  readonly statistics: TextStatistics;
  readonly connections: Connections;
  readonly borrowed: Borrowed;
  readonly queue: Queue;
  /** Whether a statement that never reached the server is sent again. */
  readonly reconnect: boolean;
  /** Something left the connection, which has settled: what comes next on it? */
  next(connection: PooledConnection): void;
}

/** Autocommitted statements on their connections, from the sending to the answer, with all that can come between. */
export class InFlight {
  /** What becomes of a statement whose connection dies. */
  readonly lostOutcome: Outcome = "unknown";
  readonly #around: Surroundings;
  #stuckTimer: NodeJS.Timeout | undefined;
  /** Statements that were answered, with a result or an error. */
  statements = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** @param unjudged whether the database has not said yet that it can write nothing, and is to run it only then */
  send(job: StatementJob, connection: PooledConnection, intake: "alone" | "behind", unjudged: boolean): void {
    connection.unsettled ??= (lost) => this.#lost(connection, lost);
    connection.push(job, intake);
    job.onSent?.();
    if (connection.jobs.length > 1 && this.#stuckTimer === undefined) this.#watch();
    const { sends } = job;
    const failed = (error: unknown) => this.#failed(connection, job, sends, error);
    if (unjudged && connection.conn.executeRead !== undefined)
      readOn(connection.conn, job).then((result) => {
        if (result === undefined) this.#unrun(connection, job, sends);
        else this.#answered(connection, job, sends, result);
      }, failed);
    else connection.execute(job).then((result) => this.#answered(connection, job, sends, result), failed);
  }

  /** Asks the server to stop it; until that is over, nothing more comes within reach of the cancel. */
  interrupt(job: StatementJob): Cancellation {
    // A job of the dispatcher's has its place from `send` alone.
    const connection = job.place as PooledConnection | undefined;
    const cancellation = connection?.cancellations.stop(job);
    if (connection === undefined || cancellation === undefined)
      return { outcome: this.lostOutcome, done: Promise.resolve() };
    connection.holds++;
    connection.intake = "sealed";
    // What is ahead of it keeps its own time.
    if (connection.jobs[0] !== job) connection.limit();
    void cancellation.done.then(() => {
      connection.holds--;
      this.#advance(connection);
    });
    return cancellation;
  }

  /** What is still on the connection will never be answered. */
  #lost(connection: PooledConnection, error: ConnectionLost): void {
    for (const job of [...connection.jobs]) this.#failed(connection, job, job.sends, error);
  }

  close(): void {
    clearTimeout(this.#stuckTimer);
  }

  #answered(connection: PooledConnection, job: StatementJob, sends: number, result: Result): void {
    const { statistics, borrowed, next } = this.#around;
    const now = performance.now();
    // Rescued, and answered after all before it went elsewhere.
    if (job.sends === sends) job.line?.remove(job);
    // Sent once more elsewhere meanwhile: that is the answer that counts. Or its caller was answered while it waited
    // again.
    if (job.sends !== sends || job.state === "settled") {
      connection.take(job, now);
      this.#advance(connection);
      return;
    }
    this.statements++;
    const millis = now - connection.begunAt;
    // What was cancelled, or out of time, may have been cut short, and answered all the same.
    if (job.state !== "sent" && job.givenUp) statistics.overran(job.sql, job.text, millis);
    else statistics.learn(job.sql, job.text, millis, result?.readOnly);
    connection.take(job, now);
    // The caller hears of the answer and may ask for more at once: it may go onto this very connection.
    if (connection.jobs.length === 0) {
      if (connection.holds === 0 && connection.reusableAt(now)) borrowed.free(connection);
      else {
        const state = connection.session;
        if (state !== "idle" && state !== "broken") {
          this.#leftOpen(connection, job);
          return;
        }
        borrowed.settle(connection);
      }
    }
    job.answered(result);
    next(connection);
  }

  #failed(connection: PooledConnection, job: StatementJob, sends: number, reason: unknown): void {
    const { driver, reconnect, statistics } = this.#around;
    const now = performance.now();
    if (connection.jobs[0] === job) statistics.overran(job.sql, job.text, now - connection.begunAt);
    connection.take(job, now);
    // Rescued: another connection gives, or will give, the answer that counts, unless its caller was answered while it
    // waited again.
    if (job.sends !== sends || job.line !== undefined || job.state === "settled") {
      this.#advance(connection);
      return;
    }
    // Its caller has been answered, and what it failed with is not looked at.
    if (job.state === "abandoned" || job.state === "late") {
      this.statements++;
      job.over();
      this.#advance(connection);
      return;
    }
    const error = translated(driver, reason, job.sql, job.params);
    const cancelled = cancelledBy(driver, reason, job.sql);
    const sealed = connection.intake === "sealed";
    const lost = error instanceof ConnectionLost ? error.outcome : undefined;
    // The loss of a connection that was given up over a cancelled neighbour: the driver is sure that nothing of this
    // one lasts.
    const unsent = lost === "not sent" || (lost === "not applied" && sealed);
    // A server can only cancel whatever runs: the cancel of a neighbour hit this one, and nothing of it was done.
    const hitByNeighboursCancel = cancelled === "not applied" && sealed && job.text?.stackable === true;
    const spared = hitByNeighboursCancel || (unsent && reconnect) || (reconnect && this.#spoiled(error, job));
    if (job.state === "sent" && job.sends <= RESENDS && spared) this.#again(job, connection);
    else {
      this.statements++;
      const { sql, params } = job;
      job.failed(withDetails(error, { sql, params }), cancelled);
    }
    this.#advance(connection);
  }

  /** A text that only seemed to read. A caller that does not wait any more has had its answer, or is out of time. */
  #unrun(connection: PooledConnection, job: StatementJob, sends: number): void {
    const { statistics, queue } = this.#around;
    connection.take(job, performance.now());
    statistics.writes(job.sql, job.text);
    if (job.sends === sends && job.state === "sent") {
      job.returned();
      (queue.writing ?? queue.main).putBack(job);
    } else if (job.sends === sends && job.state !== "settled")
      job.failed(new OperationalError("it was not run", { sql: job.sql }), "not applied");
    this.#advance(connection);
  }

  /** The session was given up over the answer to another statement; this one may have been run, and may run twice. */
  #spoiled(error: AdbapiError, job: StatementJob): boolean {
    if (!(error instanceof ConnectionLost && error.cause instanceof DataError)) return false;
    return judged(this.#around.driver, "repeatable", job.sql);
  }

  #leftOpen(connection: PooledConnection, job: StatementJob): void {
    connection.holds++;
    void Promise.resolve(this.#around.connections.clean(connection, false)).then(() => {
      connection.holds--;
      job.failed(leftOpen(job.sql), undefined);
      this.#advance(connection);
    });
  }

  /** Nothing of it was done: it waits again, ahead of all that was asked for later. */
  #again(job: StatementJob, connection: PooledConnection): void {
    const { queue } = this.#around;
    job.returned();
    (connection.lane ?? queue.main).putBack(job);
  }

  /** Something left the connection, or may have ended. */
  #advance(connection: PooledConnection): void {
    if (connection.jobs.length === 0 && connection.holds === 0) this.#around.borrowed.settle(connection);
    this.#around.next(connection);
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
      for (const connection of [...this.#around.borrowed.carrying]) {
        const head = connection.jobs[0];
        if (head === undefined || connection.jobs.length === 1) continue;
        stacked = true;
        if (connection.begunAt < limit && connection.intake !== "sealed") this.#rescue(connection);
      }
      if (stacked && this.#stuckTimer === undefined) this.#watch();
    }, STUCK_MILLIS / 2).unref();
  }

  /** What waits behind a stuck statement, and may be run twice, goes to the head of the queue. */
  #rescue(connection: PooledConnection): void {
    const { driver, statistics } = this.#around;
    const [head] = connection.jobs;
    if (head !== undefined) statistics.overran(head.sql, head.text, performance.now() - connection.begunAt);
    connection.intake = "sealed";
    for (const job of connection.jobs.slice(1)) {
      if (job.state === "sent" && judged(driver, "repeatable", job.sql)) this.#again(job, connection);
    }
    this.#advance(connection);
  }
}
