/** What a pool goes by. Its own file, with no class in it, so that every part of the pool may know it. */
import type { DriverSettings } from "../../drivers/driver.js";

/** Where the pool writes to: console and pino fit as they are. What it throws is not heard. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

/** All times in milliseconds. The names in brackets are those of Twisted's adbapi. */
export interface PoolSettings {
  /**
   * Connections kept open (cp_min). Above `max` it is refused.
   * @default 3, or `max` if that is less
   */
  readonly min?: number | undefined;
  /**
   * The most connections ever open (cp_max).
   * @default 5; 1 for SQLite's `:memory:`, where asking for more is refused
   */
  readonly max?: number | undefined;
  /**
   * The pool's name in logs, metrics and thread names (cp_name).
   * @default the driver's name
   */
  readonly name?: string | undefined;
  /**
   * Whether connects, disconnects and rollbacks are logged (cp_noisy).
   * @default false
   */
  readonly noisy?: boolean | undefined;
  /** @default console */
  readonly logger?: Logger | undefined;
  /**
   * Whether a statement that provably never reached the server is sent again on another connection (cp_reconnect). When
   * false it fails with `ConnectionLost` at once. A dead connection leaves the pool either way.
   * @default true
   */
  readonly reconnect?: boolean | undefined;
  /**
   * The probe for a connection that sat idle, and after a failed rollback (cp_good_sql).
   * @default "select 1"
   */
  readonly goodSql?: string | undefined;
  /**
   * The longest wait for a connection; then `PoolTimeout` says what held the connections. Infinity waits for ever.
   * @default 30_000
   */
  readonly acquireTimeoutMillis?: number | undefined;
  /**
   * An idle connection above `min` is closed after this; Infinity keeps it. One that is its own database (SQLite's
   * `:memory:`) stays.
   * @default 600_000
   */
  readonly idleTimeoutMillis?: number | undefined;
  /**
   * A connection is replaced after this, give or take 2.5 %; Infinity keeps it. One that is its own database (SQLite's
   * `:memory:`) stays.
   * @default 1_800_000
   */
  readonly maxLifetimeMillis?: number | undefined;
  /**
   * Work past this many waiting is a `PoolTimeout` at once.
   * @default Infinity
   */
  readonly maxWaiting?: number | undefined;
  /**
   * When a returned connection is put back into the state of a new session: `true` after interactions too, `false`
   * never.
   * @default undefined: after `runWithConnection`
   */
  readonly resetOnRelease?: boolean | undefined;
  /**
   * Whether statements are prepared and named at the server (pg). Behind a pooler they have no names in any case.
   * @default true
   */
  readonly prepare?: boolean | undefined;
  /**
   * Warns, with the stack of the taker, when a connection is held longer than this.
   * @default undefined: off
   */
  readonly leakDetectionMillis?: number | undefined;
  /**
   * The default of a statement's `timeoutMillis`.
   * @default undefined: none
   */
  readonly statementTimeoutMillis?: number | undefined;
  /**
   * How many statements are sent on one connection ahead of their answers; 1 turns it off.
   * @default the driver's, or fewer where a session takes fewer
   */
  readonly pipeline?: number | undefined;
  /**
   * About how many bytes the result of one statement may have: a larger one is a `DataError`, and its session is used
   * again. For `runQuery` and its kin, which hold all rows at once; a stream holds few. On PostgreSQL what the server
   * sends besides, as notices, counts while the statement runs.
   * @default undefined: as many as there is memory
   */
  readonly maxResultBytes?: number | undefined;
  /**
   * How integer columns of 64 bits come back. `"driver"`: in the package's own exact form; `"number"`: a `DataError`
   * where precision would be lost.
   * @default "driver"
   */
  readonly int64?: DriverSettings["int64"] | undefined;
}

type Optional =
  | "resetOnRelease"
  | "leakDetectionMillis"
  | "statementTimeoutMillis"
  | "pipeline"
  | "maxResultBytes";

/** Checked, complete and frozen; only what is off by default, or a driver's to say, may be undefined. */
export type ResolvedOptions = {
  readonly [Name in Exclude<keyof PoolSettings, Optional>]-?: Exclude<PoolSettings[Name], undefined>;
} & { readonly [Name in Optional]: PoolSettings[Name] };
