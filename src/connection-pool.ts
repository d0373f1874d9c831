import { inspect } from "node:util";
import type { DatabaseName, Dialect, Driver, Params, Paramstyle } from "../drivers/driver.js";
import { type ConnectArgsOf, driverForUrl, findDriver, type NativeOf } from "../drivers/registry.js";
import { Deferred, fail } from "./defer/index.js";
import type { Origin } from "./diagnostics/channels.js";
import { shownPool } from "./diagnostics/inspect.js";
import type { PoolStats } from "./diagnostics/pool-stats.js";
import { adbapiInteraction, calledInside } from "./interaction/inside.js";
import { INTERACTION, WITH_CONNECTION, withSession } from "./interaction/kind.js";
import type { Queryable, Transaction } from "./interaction/transaction.js";
import type { Subscription } from "./listen/subscription.js";
import { copyRows, type RowsToLoad } from "./loading/copy-rows.js";
import {
  type BulkOptions,
  type CloseOptions,
  checkCloseOptions,
  type InteractionOptions,
  type ListenOptions,
  type SessionOptions,
  type StatementOptions,
} from "./options/call-options.js";
import { argumentsOf } from "./options/connect-arguments.js";
import { judged } from "./pool/driver-guard.js";
import { type PoolOptions, type ResolvedPoolOptions, resolveOptions } from "./pool-options.js";
import { PoolParts } from "./pool-parts.js";
import { runPoolScript } from "./script/pool-script.js";
import type { Connection } from "./session/connection.js";
import type { OpenSession } from "./session/open-session.js";
import {
  type Answer,
  type AnyRow,
  type ArrayRow,
  type InArrays,
  type OperationResult,
  operationOf,
  resultOf,
  type StatementResult,
} from "./statement/results.js";
import type { RowStream } from "./stream/row-stream.js";

/**
 * Connections to one database, and the verbs that run work on them. Every method gives a Deferred, which can also be
 * awaited.
 *
 * Nothing is opened before the first statement, or `start()`. SQL and params go to the driver as they are, in its own
 * paramstyle.
 * @see https://docs.twisted.org/en/stable/api/twisted.enterprise.adbapi.ConnectionPool.html
 */
export class ConnectionPool<D extends string | Driver = string | Driver> implements Queryable {
  /** How params are marked in SQL, in PEP 249's words: `"numeric"` is `$1`, `"qmark"` is `?`. */
  readonly paramstyle: Paramstyle;
  /** Which SQL the database speaks, where the driver says so. */
  readonly dialect: Dialect | undefined;
  /** The option `name`, else the driver's name. */
  readonly name: string;
  /** What the database is called in traces and metrics, as far as the connect arguments tell. */
  readonly database: DatabaseName;
  readonly #driver: Driver;
  readonly #options: ResolvedPoolOptions;
  readonly #origin: Origin;
  readonly #parts: PoolParts;
  #closing: Promise<void> | undefined;

  /**
   * @param driver a built-in name, a name given to `registerDriver`, or a driver.
   * @param connectArgs what the driver's own connect call takes; an array is spread into several arguments. Copied.
   * @throws InterfaceError for wrong options, an unknown driver, connect arguments that cannot be right.
   */
  constructor(driver: D, connectArgs: ConnectArgsOf<D>, options?: PoolOptions) {
    this.#driver = findDriver(driver);
    const args = argumentsOf(this.#driver, connectArgs);
    this.#options = resolveOptions(options, this.#driver, args);
    this.paramstyle = this.#driver.paramstyle;
    this.dialect = this.#driver.dialect;
    this.name = this.#options.name;
    this.database = Object.freeze(this.#driver.identify?.(args) ?? { system: this.#driver.name });
    this.#origin = Object.freeze({ pool: this.name, driver: this.#driver.name, source: this });
    this.#parts = new PoolParts(this.#driver, args, this.#options, this.#origin);
  }

  /**
   * A pool for a URL: `postgres:`, `postgresql:`, `mysql:`, `mariadb:`, `sqlite:`. Of its options only those that are
   * known to be harmless pass.
   * @throws InterfaceError, which never shows the password.
   */
  static fromUrl(url: string | URL | undefined, options?: PoolOptions): ConnectionPool {
    const { driver, args } = driverForUrl(url);
    return new ConnectionPool(driver, args, options);
  }

  /** Whether `close()` has been called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** A frozen snapshot: what is open, in use and waiting now, and totals since the pool was made. */
  get stats(): PoolStats {
    return this.#parts.stats;
  }

  runQuery<Row = unknown[]>(...statement: InArrays): Deferred<ArrayRow<Row>[]>;
  runQuery<Row = AnyRow>(sql: string, params?: Params, options?: StatementOptions): Deferred<Row[]>;
  runQuery(sql: string, params?: Params, options?: StatementOptions): Deferred<never[]> {
    return this.#parts.statements.run(sql, params, options, undefined) as Deferred<never[]>;
  }

  runOperation(sql: string, params?: Params, options?: StatementOptions): Deferred<OperationResult> {
    return this.#parts.statements.run(sql, params, options, operationOf);
  }

  runStatement<Row = unknown[]>(...statement: InArrays): Deferred<StatementResult<ArrayRow<Row>>>;
  runStatement<Row = AnyRow>(
    sql: string,
    params?: Params,
    options?: StatementOptions,
  ): Deferred<StatementResult<Row>>;
  runStatement(sql: string, params?: Params, options?: StatementOptions): Deferred<StatementResult<never>> {
    return this.#parts.statements.run(sql, params, options, resultOf(sql)) as Deferred<
      StatementResult<never>
    >;
  }

  runStream<Row = unknown[]>(...statement: InArrays): RowStream<ArrayRow<Row>>;
  runStream<Row = AnyRow>(sql: string, params?: Params, options?: StatementOptions): RowStream<Row>;
  runStream(sql: string, params?: Params, options?: StatementOptions): RowStream<never> {
    return this.#parts.streams.make(sql, params, options, this.runStream) as RowStream<never>;
  }

  /**
   * What a `COPY … TO STDOUT` of PostgreSQL writes, in Buffers of any size, read from the server no faster than asked
   * for: an export of any size in bounded memory. As `runStream` it holds a connection, nothing is sent before the
   * first is asked for, and whatever ends it stops it at the server.
   */
  runCopyTo(sql: string, options?: BulkOptions): RowStream<Buffer> {
    return this.#parts.streams.copyTo(sql, options, this.runCopyTo) as RowStream<Buffer>;
  }

  /**
   * Runs `fn` in one transaction on one connection: fires with what it gave once that is committed; when it fails, or
   * gives something that fails, everything is rolled back and the Deferred fails with its error.
   */
  runInteraction<T, Args extends unknown[]>(
    fn: (transaction: Transaction, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runInteraction<T, Args extends unknown[]>(
    options: InteractionOptions,
    fn: (transaction: Transaction, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runInteraction(...call: unknown[]): Deferred<unknown> {
    return this.#parts.interactions.run(INTERACTION, call, this.runInteraction);
  }

  /**
   * Runs `fn` with a connection, whose transaction begins with its first statement: fires with what it gave after
   * commit; rolls back when it fails. The session is reset before anyone else gets it.
   */
  runWithConnection<T, Args extends unknown[]>(
    fn: (connection: Connection<NativeOf<D>>, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runWithConnection<T, Args extends unknown[]>(
    options: InteractionOptions,
    fn: (connection: Connection<NativeOf<D>>, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runWithConnection(...call: unknown[]): Deferred<unknown> {
    return this.#parts.interactions.run(WITH_CONNECTION, call, this.runWithConnection);
  }

  /**
   * Runs `fn` with a session on which each statement is on its own, and transactions are begun and ended by name. Fires
   * with what `fn` gave; a transaction that it left open is rolled back, and is a `ProgrammingError`. The session is
   * reset before anyone else gets it, if anything but transactions ran on it.
   */
  runWithSession<T, Args extends unknown[]>(
    fn: (session: OpenSession<NativeOf<D>>, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runWithSession<T, Args extends unknown[]>(
    options: SessionOptions,
    fn: (session: OpenSession<NativeOf<D>>, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runWithSession(...call: unknown[]): Deferred<unknown> {
    return this.#parts.interactions.run(withSession(), call, this.runWithSession);
  }

  /**
   * On a session of its own that is reset afterwards. PostgreSQL makes one transaction of what has no BEGIN and COMMIT
   * of its own; elsewhere each statement is on its own. One that is left open is rolled back: a `ProgrammingError`.
   */
  runScript(sql: string, options?: BulkOptions): Deferred<void> {
    return runPoolScript(this.#parts.interactions, sql, options, this.runScript);
  }

  copyRows(...load: RowsToLoad): Deferred<{ rowCount: number }> {
    return copyRows(this, fail, load);
  }

  /**
   * Listens to a channel of PostgreSQL (`LISTEN`), from now on until `return()` (a `break` of `for await`), its signal,
   * or `close()`: notifications in the order sent. All channels of a pool share one session, beside `max`. When that is
   * lost, it listens again by itself, and yields a gap: what was sent in between was missed. Fails where it cannot
   * begin. While it is open the process stays alive. `listening` fires once the server has confirmed.
   */
  listen(channel: string, options?: ListenOptions): Subscription {
    return this.#parts.listeners.listen(channel, options);
  }

  /** Whether the text holds several statements, which only a script runs. @internal */
  isScript(sql: string): boolean {
    return judged(this.#driver, "severalStatements", sql);
  }

  /** Fires once `min` connections are open; fails with why one was not. Optional: a statement starts the pool too. */
  start(): Deferred<void> {
    return Deferred.fromPromise(this.#parts.start()) as Deferred<void>;
  }

  /**
   * Takes nothing new; fires once queued and running work has finished and every connection is closed. Asked again, it
   * gives the same answer. Asked from inside of an interaction of this pool it fires at once, and the pool closes when
   * that has ended.
   */
  close(options: CloseOptions = {}): Deferred<void> {
    try {
      checkCloseOptions(options);
    } catch (error) {
      return fail(error) as unknown as Deferred<void>;
    }
    const inside = this.#parts.interactions.size > 0 && calledInside(adbapiInteraction);
    this.#closing ??= this.#parts.close(options.timeoutMillis);
    return Deferred.fromPromise(inside ? Promise.resolve() : this.#closing) as Deferred<void>;
  }

  /** `await using pool = …` closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Never the connect arguments: they hold a password. */
  [inspect.custom](): string {
    return shownPool(this, this.#origin.driver, this.#options.max);
  }
}
