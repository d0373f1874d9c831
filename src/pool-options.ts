/** The pool's options: defaults, checks, a frozen copy. */
import type { Driver, DriverSettings } from "../drivers/driver.js";
import { InterfaceError } from "./errors/classes.js";
import {
  checkOptions,
  isBoolean,
  isDuration,
  isDurationOrNever,
  isFunction,
  isOneOf,
  isWholeFrom,
  isWholeOrUnlimited,
  type OptionCheck,
} from "./options/option-checks.js";
import type { Connection } from "./session/connection.js";
import { checkSql } from "./statement/check-sql.js";

/** Where the pool writes to: console and pino fit as they are. What it throws is not heard. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

/** Sets up a new connection: `SET` statements, functions, attached databases. */
export type OpenFunction = (connection: Connection) => unknown;

/** All times in milliseconds. The names in brackets are those of Twisted's adbapi. */
export interface PoolOptions {
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
   * Awaited with each new connection before its first use, and committed after it (cp_openfun). When it throws, the
   * connection is discarded and the taker gets the error as `cause`.
   * @default none
   */
  readonly openfun?: OpenFunction | undefined;
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
   * again. For `runQuery` and its kin, which hold all rows at once; a stream holds few.
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
  | "openfun"
  | "resetOnRelease"
  | "leakDetectionMillis"
  | "statementTimeoutMillis"
  | "pipeline"
  | "maxResultBytes";

/** Checked, complete and frozen; only what is off by default, or a driver's to say, may be undefined. */
export type ResolvedOptions = {
  readonly [Name in Exclude<keyof PoolOptions, Optional>]-?: Exclude<PoolOptions[Name], undefined>;
} & { readonly [Name in Optional]: PoolOptions[Name] };

const checks = {
  min: isWholeFrom(0),
  max: isWholeFrom(1),
  name: (value) =>
    typeof value === "string" && /^[^\p{Cc}]+$/u.test(value)
      ? undefined
      : "a string without control characters",
  noisy: isBoolean,
  logger: isLogger,
  openfun: isFunction,
  reconnect: isBoolean,
  goodSql: isSql,
  acquireTimeoutMillis: isDurationOrNever,
  idleTimeoutMillis: isDurationOrNever,
  maxLifetimeMillis: isDurationOrNever,
  maxWaiting: isWholeOrUnlimited,
  resetOnRelease: isBoolean,
  prepare: isBoolean,
  leakDetectionMillis: isDuration,
  statementTimeoutMillis: isDuration,
  pipeline: isWholeFrom(1),
  maxResultBytes: isWholeFrom(1),
  int64: isOneOf("driver", "bigint", "string", "number"),
} as const satisfies Record<keyof PoolOptions, OptionCheck>;

/** The rest depends on the driver, or is off. */
const DEFAULTS = {
  noisy: false,
  logger: console,
  reconnect: true,
  goodSql: "select 1",
  acquireTimeoutMillis: 30_000,
  idleTimeoutMillis: 600_000,
  maxLifetimeMillis: 1_800_000,
  maxWaiting: Number.POSITIVE_INFINITY,
  prepare: true,
  int64: "driver",
} as const satisfies Partial<ResolvedOptions>;

/** Where the database goes with its session. */
const FOR_EVER = {
  idleTimeoutMillis: Number.POSITIVE_INFINITY,
  maxLifetimeMillis: Number.POSITIVE_INFINITY,
} as const satisfies Partial<ResolvedOptions>;

/**
 * Fills in the defaults for these connect arguments.
 * @throws {InterfaceError} that names the option: an unknown one, a bad value, `min` above `max`, `max` above what the
 * driver allows.
 */
export function resolveOptions(
  options: PoolOptions | undefined,
  driver: Driver,
  args: readonly unknown[],
): ResolvedOptions {
  const given = defined(options);
  const most = driver.maxConnections?.(args) ?? Number.POSITIVE_INFINITY;
  const max = given.max ?? Math.min(5, most);
  const min = given.min ?? Math.min(3, max);
  if (max > most) {
    throw new InterfaceError(
      `The pool option "max" must be at most ${most} for this database, and is ${max}`,
    );
  }
  if (min > max) throw new InterfaceError(`The pool option "min" (${min}) must not be above "max" (${max})`);
  const lasting = driver.ownDatabase?.(args) ? FOR_EVER : {};
  return Object.freeze({
    ...DEFAULTS,
    name: driver.name,
    ...given,
    min,
    max,
    ...lasting,
  }) as ResolvedOptions;
}

/** Those that were given, once they have been checked: undefined stands for the default. */
function defined(options: PoolOptions = {}): PoolOptions {
  checkOptions(options, checks, "pool option");
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function isLogger(value: unknown): string | undefined {
  const logger = value as Partial<Record<string, unknown>> | null;
  const missing = ["debug", "info", "warn", "error"].filter(
    (method) => typeof logger?.[method] !== "function",
  );
  return missing.length === 0
    ? undefined
    : `a logger with debug, info, warn and error; no function: ${missing.join(", ")}`;
}

function isSql(value: unknown): string | undefined {
  try {
    checkSql(value);
    return undefined;
  } catch (error) {
    return `a statement: ${(error as InterfaceError).message}`;
  }
}
