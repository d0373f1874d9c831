/**
 * The driver contract: all that the pool knows of a database.
 *
 * Required members are few; optional members are capabilities, and no flag elsewhere can disagree with them.
 * A driver answers with its package's own errors; `translate` maps them. It never retries and never pools.
 * Synchronous (blocking) drivers are written against `drivers/blocking/module.ts` instead, and run in threads.
 */
import type { AdbapiError, Outcome } from "../src/errors/classes.js";
import type { ConnectOptions } from "./connect-options.js";
import type { Copies } from "./contract/copies.js";
import type { Listens } from "./contract/listens.js";
import type { RunsScripts } from "./contract/scripts.js";
import type {
  Cancellation,
  Dialect,
  Params,
  Paramstyle,
  Result,
  Statement,
  TransactionOptions,
} from "./statement.js";

export type * from "./connect-options.js";
export type * from "./contract/copies.js";
export type * from "./contract/listens.js";
export type * from "./contract/scripts.js";
export type * from "./statement.js";

/**
 * What the session is doing, as far as this side knows, asked at every hand-over, so it must be free of cost:
 * - `"idle"`: nothing in flight, no transaction open: another taker may have it;
 * - `"in transaction"`: open, failed or not: it must be rolled back;
 * - `"unknown"`: the driver cannot tell: it is rolled back, else destroyed;
 * - `"broken"`: of no more use.
 */
export type SessionState = "idle" | "in transaction" | "unknown" | "broken";

/** What a database is called in traces and metrics. Nothing of it is a secret. */
export interface DatabaseName {
  /** The product, by OpenTelemetry's well-known values of `db.system.name`: `"postgresql"`. */
  readonly system: string;
  /** The database at its server, or its file. */
  readonly namespace?: string | undefined;
  /** The server's host, or the path of its socket. */
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/** A database, as the pool sees it. docs/writing-a-driver.md has a complete one. */
export interface Driver {
  /** Its name in the registry, and the default name of a pool. */
  readonly name: string;
  readonly paramstyle: Paramstyle;
  /** How many statements one connection takes ahead of their answers by default; 1: one at a time. */
  readonly pipeline: number;
  /** Which SQL the database speaks, where query builders know it. */
  readonly dialect?: Dialect;

  /**
   * Opens one session. `args` are what `checkArgs` gave, else a copy of the pool's connect arguments. Neither the
   * attempt nor the session may keep the process alive (unref at once): the pool does that while it has work.
   */
  connect(args: readonly unknown[], options: ConnectOptions): Promise<DriverConnection>;

  /**
   * Maps the package's error to the PEP 249 tree, with `code`, `sqlState`, `retryable` and the error as `cause`.
   * A `ConnectionLost` says `"not sent"` only where nothing of the statement can have reached the server.
   * `sql` is the statement that failed with it, where it was one: with a lock that did not come in time, and the like,
   * the error's `outcome` says what is known of it. Never throws. An error that is already of the tree comes back as it
   * is.
   */
  translate(error: unknown, sql?: string): AdbapiError;

  /**
   * Checks the connect arguments once, in the pool's constructor, and gives what `connect` gets. Keys that would
   * break an invariant are an `InterfaceError`. Must not keep the caller's objects.
   */
  checkArgs?(args: readonly unknown[]): readonly unknown[];

  /**
   * The connect arguments for a URL; only options that are known to be harmless pass. Throws `InterfaceError`, never
   * with the password.
   */
  fromUrl?(url: string): readonly unknown[];

  /**
   * Takes the values as they are at the call: refuses what the database would silently alter (`InterfaceError`,
   * `DataError`), copies or encodes the rest: later changes have no effect.
   */
  bind?(params: Params): Params;

  /** Names the database that these arguments lead to. Absent: it is known by the driver's name alone. */
  identify?(args: readonly unknown[]): DatabaseName;

  /** The most connections that make sense for these arguments; 1 where each would be a database of its own. */
  maxConnections?(args: readonly unknown[]): number;

  /**
   * Whether another may wait behind this one on a connection, when both autocommit: it takes no locks that
   * last, opens no transaction, and changes no protocol. Decided from the text, narrowly. Absent: never.
   */
  stackable?(sql: string): boolean;

  /** Whether the text holds more than one statement, so that only a script can run it. Absent: never. */
  severalStatements?(sql: string): boolean;

  /**
   * Whether these arguments lead to a database that is the session's own, and lost with it: then a session never
   * expires, and the pool says so when it had to let one go. Absent: the database outlives its sessions.
   */
  ownDatabase?(args: readonly unknown[]): boolean;

  /**
   * Whether the database refuses this statement in a transaction, or ignores it there: `openfun` and
   * `runWithConnection` then begin none for it. Decided from the text. Absent: never.
   */
  outsideTransaction?(sql: string): boolean;

  /** Present where its connections have `listen`. */
  readonly listens?: true;

  /** Present where the database has a single writer at a time: writes then form one line, ahead of the connections. */
  readonly singleWriter?: true;

  /**
   * Where there is a `singleWriter`: whether the text looks as if it could write nothing. Such a one goes to a
   * connection's `executeRead`, which asks the database, until that has said so once. Decided from the text. Absent:
   * what is `repeatable`.
   */
  seemsReadOnly?(sql: string): boolean;

  /**
   * Whether running the text twice is the same as once, decided narrowly (a select that calls no function): stuck
   * behind another it may be sent once more elsewhere. Absent: never.
   */
  repeatable?(sql: string): boolean;

  /**
   * What is known of a statement that ended with this error (the package's own) since it was to be cancelled: `"not
   * applied"`, or `"unknown"` where it may have committed a part (a CALL). Undefined when the error means something
   * else.
   */
  cancelled?(error: unknown, sql: string): Outcome | undefined;
}

/** One session with a database. What it may do beside single statements is in drivers/contract/. */
export interface DriverConnection extends RunsScripts, Listens, Copies {
  /** The package's own handle, where it lives on this thread. */
  readonly native: unknown;
  /** The server's name for the session, for logs and errors. */
  readonly id: string | number | undefined;
  readonly state: SessionState;

  /**
   * Counts the statements that ended their transaction and left another one open (COMMIT AND CHAIN), which `state` does
   * not tell. Absent where there is no such thing, or the driver cannot know.
   */
  readonly chained?: number;

  /**
   * Of use to the caller that has it, and to none after: its server says that it has become read-only, for one.
   * It is closed when it is given back. Absent: never.
   */
  readonly unfit?: boolean;

  /**
   * Bytes that have come from the database so far, asked while a statement runs, so it must be free of cost. Absent:
   * it is not known before all rows are there.
   */
  readonly received?: number;

  /**
   * How many statements this session takes ahead of their answers, where fewer than the driver's `pipeline`. A pool's
   * own `pipeline` counts above it.
   */
  readonly pipeline?: number | undefined;

  /**
   * Runs one statement; fires when the server is ready for the next. It may be called again before it has fired, up to
   * the pool's `pipeline`; answers come in order, and the failure of one leaves the others alone.
   */
  execute(statement: Statement): Promise<Result>;

  begin(options: TransactionOptions): Promise<void>;

  /**
   * Fires only if the transaction is committed; rejects with `TransactionAborted` when the server rolled back instead.
   */
  commit(): Promise<void>;
  rollback(): Promise<void>;

  /** Asks the server for a sign of life by running `sql`. */
  ping(sql: string): Promise<void>;

  /** Says goodbye in order. May take its time; the pool destroys it at a deadline. */
  close(): Promise<void>;

  /** Ends it at once, whatever is in flight: that rejects. Never throws; may be called again. */
  destroy(): void;

  /**
   * Runs one statement if the database says that it can write nothing; else fires with undefined, and nothing was done.
   */
  executeRead?(statement: Statement): Promise<Result | undefined>;

  /** BEGIN and a first statement in one round trip; the statement must not run when BEGIN fails. */
  beginWith?(options: TransactionOptions, statement: Statement): Promise<Result>;

  /**
   * One text, many lists of params, faster than one by one; stops at, and rejects with, the first failure. Only in a
   * transaction. `whole` names all of it to `cancel`; its own params mean nothing.
   */
  executeMany?(
    sql: string,
    listOfParams: readonly Params[],
    whole?: Statement,
  ): Promise<{ readonly rowCount: number }>;

  /**
   * Rows in batches of about `batch`, or what `next(batch)` says, as fast as they are asked for. `return()` frees the
   * cursor and settles when the session is usable again. Nothing else is sent on the connection meanwhile.
   */
  stream?(statement: Statement, batch: number): AsyncIterableIterator<unknown[]>;

  /** Asks the server to stop a statement of this connection, which then settles by itself, soon. Never throws. */
  cancel?(statement: Statement): Cancellation;

  /**
   * Fires, and never rejects, when a destroyed session has let go of all it held. Absent where `destroy` is enough: a
   * thread inside a native call goes on until that returns, and keeps the database's locks until then. Its place in the
   * pool is free before; the next writer waits for it, where there is a `singleWriter`, and `close()`.
   */
  readonly ended?: Promise<void>;

  /**
   * Fires, and never rejects, soon, when the server has let go of a destroyed session, or cannot be heard of any more:
   * until then its place in the pool is taken. Undefined where nothing ran on it.
   */
  readonly departed?: Promise<void> | undefined;

  /**
   * Back to the state of a new session: settings, temporary tables, locks. The driver keeps its prepared statements
   * right.
   */
  reset?(): Promise<void>;
}
