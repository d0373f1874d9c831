/** The pool's options: defaults, checks, a frozen copy. */
import type { Driver } from "../drivers/driver.js";
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
import type { PoolSettings, ResolvedOptions } from "./options/settings.js";
import type { Connection } from "./session/connection.js";
import { checkSql } from "./statement/check-sql.js";

/** Sets up a new connection: `SET` statements, functions, attached databases. */
export type OpenFunction = (connection: Connection) => unknown;

/** All times in milliseconds. The names in brackets are those of Twisted's adbapi. */
export interface PoolOptions extends PoolSettings {
  /**
   * Awaited with each new connection before its first use, and committed after it (cp_openfun). When it throws, the
   * connection is discarded and the taker gets the error as `cause`.
   * @default none
   */
  readonly openfun?: OpenFunction | undefined;
}

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

/** The options of a pool, with the defaults filled in. */
export type ResolvedPoolOptions = ResolvedOptions & Pick<PoolOptions, "openfun">;

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
): ResolvedPoolOptions {
  const given = defined(options);
  const most = driver.maxConnections?.(args) ?? Number.POSITIVE_INFINITY;
  const max = given.max ?? Math.min(5, most);
  const min = given.min ?? Math.min(3, max);
  if (max > most) {
    throw new InterfaceError(
      `the pool option "max" must be at most ${most} for this database, and is ${max}`,
    );
  }
  if (min > max) throw new InterfaceError(`the pool option "min" (${min}) must not be above "max" (${max})`);
  const lasting = driver.ownDatabase?.(args) ? FOR_EVER : {};
  return Object.freeze({
    ...DEFAULTS,
    name: driver.name,
    ...given,
    min,
    max,
    ...lasting,
  }) as ResolvedPoolOptions;
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
