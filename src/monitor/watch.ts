import { channels, type StatementTrace } from "../diagnostics/channels.js";
import { AdbapiError } from "../errors/classes.js";
import { Histogram } from "./histogram.js";
import { shownMessage } from "./redact.js";
import type { RecentError, Report, WatchedDatabase } from "./report.js";
import { RunningStatements } from "./running.js";
import { SlowStatements, shorten } from "./slow-statements.js";

/** The part of a ConnectionPool that the monitor looks at. */
export interface WatchedPool {
  readonly name: string;
  readonly database: WatchedDatabase;
  readonly stats: {
    readonly idle: number;
    readonly inUse: number;
    readonly connecting: number;
    readonly waiting: number;
    readonly max: number;
  };
}

const SLOWEST = 10;
const ERRORS = 10;

/**
 * Collects the numbers of one pool, from `start` to `stop`. Between the two each statement costs about a microsecond,
 * and the first five of a text in each second some fifty more, for the line of code that asked for them.
 */
export class Watch {
  readonly #pool: WatchedPool;
  readonly #latency = new Histogram();
  readonly #slow = new SlowStatements();
  readonly #running = new RunningStatements();
  #begun = new WeakMap<StatementTrace, number>();
  #errors: RecentError[] = [];
  #failed = 0;
  #reportedAt = 0;

  constructor(pool: WatchedPool) {
    this.#pool = pool;
  }

  start(): void {
    this.#reportedAt = performance.now();
    channels.statement.subscribe(this.#subscriber);
  }

  stop(): void {
    channels.statement.unsubscribe(this.#subscriber);
    this.#begun = new WeakMap();
    this.#running.clear();
    this.#slow.clear();
    this.#errors = [];
    this.#startOver();
  }

  /** What does not depend on when it was last asked for. */
  now(): Omit<Report, "perSecond" | "latency"> {
    const { idle, inUse, connecting, waiting, max } = this.#pool.stats;
    return {
      at: Date.now(),
      pool: this.#pool.name,
      database: this.#pool.database,
      connections: { inUse, idle, connecting, max },
      waiting,
      running: this.#running.list(),
      slowest: this.#slow.top(SLOWEST),
      errors: this.#errors,
    };
  }

  /** What happened since the last one. */
  report(): Report {
    const now = performance.now();
    const seconds = Math.max(now - this.#reportedAt, 1) / 1_000;
    const latency = this.#latency;
    const report: Report = {
      ...this.now(),
      perSecond: { statements: latency.total / seconds, errors: this.#failed / seconds },
      latency:
        latency.total === 0
          ? null
          : { p50: latency.percentile(0.5), p95: latency.percentile(0.95), p99: latency.percentile(0.99) },
    };
    this.#reportedAt = now;
    this.#startOver();
    return report;
  }

  /** What ended before is in no rate and no percentile of the next report. */
  beginInterval(): void {
    this.#reportedAt = performance.now();
    this.#startOver();
  }

  readonly #subscriber = {
    start: (statement: StatementTrace) => {
      if (statement.source !== this.#pool) return;
      this.#begun.set(statement, performance.now());
      this.#running.begin(statement, this.#subscriber.start);
    },
    asyncStart: (statement: StatementTrace) => this.#ended(statement),
    end: () => undefined,
    asyncEnd: () => undefined,
    error: () => undefined,
  };

  #ended(statement: StatementTrace): void {
    const begun = this.#begun.get(statement);
    if (begun === undefined) return;
    this.#begun.delete(statement);
    this.#running.end(statement);
    const millis = performance.now() - begun;
    this.#latency.add(millis);
    const { error, waitedMillis } = statement;
    // What failed in the queue, or before it, was never at the database.
    const unsent = error instanceof AdbapiError && error.outcome === "not sent";
    const waited = unsent ? millis : Math.min(waitedMillis ?? 0, millis);
    this.#slow.add(statement.sql, millis - waited, waited);
    if (statement.error !== undefined) this.#noteError(statement.error);
  }

  #noteError(error: unknown): void {
    this.#failed += 1;
    const name = error instanceof Error ? error.name : typeof error;
    const message = error instanceof Error ? shownMessage(error) : "";
    const { code, sql } = error instanceof AdbapiError ? error : {};
    const shown = sql === undefined ? undefined : shorten(sql);
    const recent = { at: Date.now(), name, code, message, sql: shown };
    this.#errors = [recent, ...this.#errors.slice(0, ERRORS - 1)];
  }

  #startOver(): void {
    this.#latency.clear();
    this.#failed = 0;
  }
}
