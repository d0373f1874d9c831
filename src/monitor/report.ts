/** What a page is told, once a second. Times are milliseconds. No value of a statement's params is in it. */
export interface Report {
  /** When, by the server's clock, as Date.now() gives it. */
  readonly at: number;
  readonly pool: string;
  readonly database: WatchedDatabase;
  readonly connections: {
    readonly inUse: number;
    readonly idle: number;
    readonly connecting: number;
    readonly max: number;
  };
  /** Statements and interactions that wait for a connection. */
  readonly waiting: number;
  /** Of the time since the last report. */
  readonly perSecond: { readonly statements: number; readonly errors: number };
  /** Of the statements that ended since the last report; null when none did. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  /** Statements under way: those on a connection first, then those that wait; the oldest of each first, at most 50. */
  readonly running: readonly RunningStatement[];
  /** Since the monitor was started, the slowest at the database on average first. */
  readonly slowest: readonly SlowStatement[];
  /** The newest first. */
  readonly errors: readonly RecentError[];
}

/** Where a pool's connections lead: the product, and what is known of the server and the database or file. */
export interface WatchedDatabase {
  readonly system: string;
  readonly namespace?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

export interface RunningStatement {
  readonly sql: string;
  /** `"running"` in a transaction also while it waits for the statement before it. A stream may wait, or be read. */
  readonly state: "running" | "waiting" | "streaming";
  readonly inTransaction: boolean;
  /** In this state; of a stream since it was first read. */
  readonly millis: number;
  /**
   * The line of code that asked for it, as a stack has it; undefined where the stack shows none, and
   * of a text that is asked for more than five times in that second.
   */
  readonly callSite: string | undefined;
}

/** Times are those from being put on a connection to the answer. */
export interface SlowStatement {
  readonly sql: string;
  readonly count: number;
  readonly mean: number;
  /** How long it waited for a connection on average. */
  readonly meanWaited: number;
  readonly max: number;
}

export interface RecentError {
  readonly at: number;
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly sql: string | undefined;
}
