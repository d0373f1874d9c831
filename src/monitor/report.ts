/** What a page is told, once a second. Times are milliseconds. No value of a statement's params is in it. */
export interface Report {
  /** When, by the server's clock, as Date.now() gives it. */
  readonly at: number;
  readonly pool: string;
  readonly connections: { readonly inUse: number; readonly idle: number; readonly connecting: number };
  /** Statements and interactions that wait for a connection. */
  readonly waiting: number;
  /** Of the time since the last report. */
  readonly perSecond: { readonly statements: number; readonly errors: number };
  /** Of the statements that ended since the last report; null when none did. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  /** Since the first page was opened, the slowest on average first. */
  readonly slowest: readonly SlowStatement[];
  /** The newest first. */
  readonly errors: readonly RecentError[];
}

export interface SlowStatement {
  readonly sql: string;
  readonly count: number;
  readonly mean: number;
  readonly max: number;
}

export interface RecentError {
  readonly at: number;
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly sql: string | undefined;
}
