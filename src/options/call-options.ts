/** The options of a single call: of a statement, of an interaction. */
import type { IsolationLevel, RowMode } from "../../drivers/driver.js";
import { InterfaceError } from "../errors/classes.js";
import {
  checkOptions,
  isBoolean,
  isDuration,
  isDurationOrNever,
  isFunction,
  isOneOf,
  isSignal,
  isWholeFrom,
  type OptionCheck,
} from "./option-checks.js";

/** Options of one statement, or of one stream. */
export interface StatementOptions {
  /** Aborted: the statement fails with `CancelledError`, whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest that the statement may run, in milliseconds; then it is cancelled at the server and fails with
   * `StatementTimeout`. While it waits for a connection the same limit holds, and its outcome is `"not sent"`. Of a
   * stream: from the first row asked for to its end.
   * @default the pool's `statementTimeoutMillis`
   */
  readonly timeoutMillis?: number | undefined;
  /**
   * Rows as plain objects, or as arrays in the order of the columns. Of two columns of one name an object keeps the
   * last.
   * @default "object"
   */
  readonly rowMode?: RowMode | undefined;
}

/** Options of `executeMany` and `runScript`: as of one statement, for all of it. */
export type BulkOptions = Pick<StatementOptions, "signal" | "timeoutMillis">;

/** Options of `copyRows`: as of one interaction, for all of it. */
export interface CopyOptions extends BulkOptions {
  /** Called each time that some rows have been sent and answered, with their number so far. Throws: all is undone. */
  readonly onProgress?: ((progress: { readonly rowCount: number }) => void) | undefined;
}

/**
 * Options of `runInteraction` and `runWithConnection`. An interaction inside of another takes `signal` and
 * `timeoutMillis` only.
 */
export interface InteractionOptions {
  /** @default the server's */
  readonly isolation?: IsolationLevel | undefined;
  /** @default false */
  readonly readOnly?: boolean | undefined;
  /**
   * How many times the whole interaction is run again when it failed on a deadlock, a serialization failure, SQLite's
   * busy at BEGIN, a connection lost before COMMIT was sent, a failed connect, or a `PoolTimeout`. Each run waits for
   * its connection anew.
   * @default 0
   */
  readonly retries?: number | undefined;
  /** Aborted: the interaction is rolled back and fails with `CancelledError`, whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest that the whole interaction may take, in milliseconds, its retries included; then it is rolled back and
   * fails with `StatementTimeout`.
   * @default none
   */
  readonly timeoutMillis?: number | undefined;
}

/** Options of `listen`. */
export interface ListenOptions {
  /** Aborted: it ends, and what has not been read is dropped. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How many notifications wait at most for a slow reader. What comes while as many wait is dropped, and a gap stands
   * in its place.
   * @default 1000
   */
  readonly maxQueued?: number | undefined;
}

/** What may give up an interaction from outside. */
export type InteractionLimits = Pick<InteractionOptions, "signal" | "timeoutMillis">;

export interface CloseOptions {
  /**
   * Past this, in milliseconds, what waits gets `PoolClosed` and what still runs is cancelled; 0: at once. What does
   * not settle in as long again (a second at least, six at most) is destroyed.
   * @default Infinity
   */
  readonly timeoutMillis?: number | undefined;
}

const statementChecks = {
  signal: isSignal,
  timeoutMillis: isDuration,
  rowMode: isOneOf("object", "array"),
} as const satisfies Record<keyof StatementOptions, OptionCheck>;

const bulkChecks = {
  signal: isSignal,
  timeoutMillis: isDuration,
} as const satisfies Record<keyof BulkOptions, OptionCheck>;

const copyChecks = {
  ...bulkChecks,
  onProgress: isFunction,
} as const satisfies Record<keyof CopyOptions, OptionCheck>;

const listenChecks = {
  signal: isSignal,
  maxQueued: isWholeFrom(1),
} as const satisfies Record<keyof ListenOptions, OptionCheck>;

const interactionChecks = {
  isolation: isOneOf("read uncommitted", "read committed", "repeatable read", "serializable"),
  readOnly: isBoolean,
  retries: isWholeFrom(0),
  signal: isSignal,
  timeoutMillis: isDuration,
} as const satisfies Record<keyof InteractionOptions, OptionCheck>;

const closeChecks = {
  timeoutMillis: (value) => (value === 0 ? undefined : isDurationOrNever(value)),
} as const satisfies Record<keyof CloseOptions, OptionCheck>;

/** Throws an `InterfaceError` that names the option. */
export function checkStatementOptions(options: unknown): void {
  if (options !== undefined) checkOptions(options, statementChecks, "statement option");
}

/** As above, for `executeMany`. */
export function checkBulkOptions(options: unknown, verb: string): void {
  if (options !== undefined) checkOptions(options, bulkChecks, `${verb} option`);
}

/** As above, for `copyRows`. */
export function checkCopyOptions(options: unknown): void {
  if (options !== undefined) checkOptions(options, copyChecks, "copyRows option");
}

/** As above, for `listen`. */
export function checkListenOptions(options: unknown): void {
  if (options !== undefined) checkOptions(options, listenChecks, "listen option");
}

/** Throws an `InterfaceError` that names the option. */
export function checkCloseOptions(options: unknown): void {
  checkOptions(options, closeChecks, "close option");
}

/** Throws an `InterfaceError` that names the option. */
export function checkInteractionOptions(options: unknown): void {
  if (options !== undefined) checkOptions(options, interactionChecks, "interaction option");
}

/** Of `runWithSession`, whose transactions are begun by name. */
export type SessionOptions = Pick<InteractionOptions, "readOnly" | "signal" | "timeoutMillis">;

/** As above, for `runWithSession`. */
export function checkSessionOptions(options: InteractionOptions): void {
  const name = (["isolation", "retries"] as const).find((name) => options[name] !== undefined);
  if (name === undefined) return;
  throw new InterfaceError(
    `the option ${name} is of a transaction: give begin() its isolation, and run what is to be repeated with runInteraction`,
  );
}

/** A transaction has these as a whole: a part of it, a savepoint, cannot have its own. */
const OUTERMOST = ["isolation", "readOnly", "retries"] as const satisfies (keyof InteractionOptions)[];

/** As above, for an interaction inside of another. */
export function checkNestedOptions(options: InteractionOptions | undefined): void {
  checkInteractionOptions(options);
  const name = OUTERMOST.find((name) => options?.[name] !== undefined);
  if (name === undefined) return;
  throw new InterfaceError(
    `the option ${name} belongs to the outermost interaction: one inside of it is a savepoint of the same transaction, and takes only ` +
      "signal and timeoutMillis",
  );
}
