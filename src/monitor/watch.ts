import { tracingChannel } from "node:diagnostics_channel";
import { AdbapiError } from "../errors.js";
import { Histogram } from "./histogram.js";
import { redact } from "./redact.js";
import type { RecentError, Report } from "./report.js";
import { SlowStatements } from "./slow-statements.js";

/** The part of a ConnectionPool that the monitor looks at. */
export interface WatchedPool {
  readonly name: string;
  readonly stats: {
    readonly idle: number;
    readonly inUse: number;
    readonly connecting: number;
    readonly waiting: number;
  };
}

/** What the pool publishes of a statement. */
interface StatementContext {
  readonly pool: unknown;
  readonly sql: string;
  readonly error?: unknown;
}

const SLOWEST = 10;
const ERRORS = 10;

/** Collects the numbers of one pool, from `start` to `stop`; between the two, each statement costs it a microsecond or so. */
export class Watch {
  readonly #pool: WatchedPool;
  readonly #channel = tracingChannel<StatementContext>("adbapi:statement");
  readonly #latency = new Histogram();
  readonly #slow = new SlowStatements();
  #begun = new WeakMap<StatementContext, number>();
  #errors: RecentError[] = [];
  #failed = 0;
  #reportedAt = 0;

  constructor(pool: WatchedPool) {
    this.#pool = pool;
  }

  start(): void {
    this.#reportedAt = performance.now();
    this.#channel.subscribe(this.#subscriber);
  }

  stop(): void {
    this.#channel.unsubscribe(this.#subscriber);
    this.#begun = new WeakMap();
    this.#slow.clear();
    this.#errors = [];
    this.#startOver();
  }

  /** What happened since the last one. */
  report(): Report {
    const { idle, inUse, connecting, waiting } = this.#pool.stats;
    const now = performance.now();
    const seconds = Math.max(now - this.#reportedAt, 1) / 1_000;
    const latency = this.#latency;
    const report: Report = {
      at: Date.now(),
      pool: this.#pool.name,
      connections: { inUse, idle, connecting },
      waiting,
      perSecond: { statements: latency.total / seconds, errors: this.#failed / seconds },
      latency:
        latency.total === 0
          ? null
          : { p50: latency.percentile(0.5), p95: latency.percentile(0.95), p99: latency.percentile(0.99) },
      slowest: this.#slow.top(SLOWEST),
      errors: this.#errors,
    };
    this.#reportedAt = now;
    this.#startOver();
    return report;
  }

  readonly #subscriber = {
    start: (statement: StatementContext) => {
      if (statement.pool === this.#pool) this.#begun.set(statement, performance.now());
    },
    // A statement that is refused at the call has an end and no asyncEnd; of one that goes to the server, the end comes first.
    end: (statement: StatementContext) => {
      if (statement.error !== undefined) this.#ended(statement);
    },
    asyncStart: (statement: StatementContext) => this.#ended(statement),
    asyncEnd: () => undefined,
    error: () => undefined,
  };

  #ended(statement: StatementContext): void {
    const begun = this.#begun.get(statement);
    if (begun === undefined) return;
    this.#begun.delete(statement);
    const millis = performance.now() - begun;
    this.#latency.add(millis);
    this.#slow.add(statement.sql, millis);
    if (statement.error !== undefined) this.#noteError(statement.error);
  }

  #noteError(error: unknown): void {
    this.#failed += 1;
    const { name, message } = error instanceof Error ? error : { name: typeof error, message: "" };
    const { code, sql } = error instanceof AdbapiError ? error : {};
    const recent = { at: Date.now(), name, code, message: redact(message), sql };
    this.#errors = [recent, ...this.#errors.slice(0, ERRORS - 1)];
  }

  #startOver(): void {
    this.#latency.clear();
    this.#failed = 0;
  }
}
