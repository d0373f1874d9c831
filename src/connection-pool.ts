import { inspect } from "node:util";

import type { DatabaseName, Dialect, Driver, Params, Paramstyle, Result } from "../drivers/driver.js";

import { type ConnectArgsOf, driverForUrl, findDriver } from "../drivers/registry.js";
import { argumentsOf } from "./arguments.js";
import {
  type CloseOptions,
  checkCloseOptions,
  checkInteractionOptions,
  checkStatementOptions,
  type InteractionOptions,
  type StatementOptions,
} from "./call-options.js";
import { Connection } from "./connection.js";
import { within } from "./deadline.js";
import { CancelledError, Deferred, fail } from "./defer/index.js";
import {
  channels,
  type InteractionTrace,
  type Origin,
  type StatementTrace,
  traced,
  tracedPromise,
} from "./diagnostics.js";
import { Dispatcher } from "./dispatcher.js";
import { OperationalError, PoolClosed } from "./errors.js";
import { ExclusiveRequest } from "./exclusive-request.js";
import { adbapiInteraction, calledInside } from "./inside.js";
import { Interaction, type InteractionContext, type InteractionKind } from "./interaction.js";
import { Journal } from "./journal.js";
import type { Lease } from "./lease.js";
import { Leases } from "./leases.js";
import { OpenSession } from "./open-session.js";
import { type PoolOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import {
  type Answer,
  type AnyRow,
  interactionCall,
  type OperationResult,
  operationOf,
  type Queryable,
  type RowUnder,
  resultOf,
  rowsOf,
  type StatementResult,
} from "./queryable.js";
import { Session } from "./session.js";
import { StatementJob } from "./statement-job.js";
import { checkSql } from "./statement-text.js";
import { type PoolStats, statsOf } from "./stats.js";
import { RowStream, refusedStream, type StreamPlace } from "./stream.js";
import { Transaction } from "./transaction.js";

const INTERACTION: InteractionKind = {
  verb: "runInteraction",
  mode: "transaction",
  reset: false,
  face: (session, sequence) => new Transaction(session, sequence),
};

const WITH_CONNECTION: InteractionKind = {
  verb: "runWithConnection",
  mode: "connection",
  reset: true,
  face: (session, sequence) => new Connection(session, sequence),
};

/**
 * Connections to one database, and the verbs that run work on them. Every method gives a Deferred, which can also be awaited.
 *
 * Nothing is opened before the first statement, or `start()`. SQL and params go to the driver as they are, in its own paramstyle.
 * @see https://docs.twisted.org/en/stable/api/twisted.enterprise.adbapi.ConnectionPool.html
 */
export class ConnectionPool<D extends string | Driver = string | Driver> implements Queryable {
  /** How params are marked in SQL, in PEP 249's words: `"numeric"` is `$1`, `"qmark"` is `?`. */
  readonly paramstyle: Paramstyle;
  /** Which SQL the database speaks, where the driver says so. */
  readonly dialect: Dialect | undefined;
  readonly name: string;
  /** What the database is called in traces and metrics, as far as the connect arguments tell. */
  readonly database: DatabaseName;
  readonly #driver: Driver;
  readonly #options: ResolvedOptions;
  readonly #journal: Journal;
  readonly #leases: Leases;
  readonly #dispatcher: Dispatcher;
  readonly #context: InteractionContext;
  readonly #origin: Origin;
  readonly #interactions = new Set<Interaction<unknown>>();
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
    this.#journal = new Journal(this.#options);
    this.#leases = new Leases(this.#driver, args, this.#options, this.#journal, {
      origin: this.#origin,
      prepare: (lease) => this.#prepare(lease),
      roomMade: () => this.#dispatcher.wake(),
      connectFailed: (error) => this.#dispatcher.connectFailed(error),
    });
    this.#dispatcher = new Dispatcher(this.#driver, this.#options, this.#leases, this.#origin);
    this.#context = {
      driver: this.#driver,
      options: this.#options,
      journal: this.#journal,
      dispatcher: this.#dispatcher,
      origin: this.#origin,
    };
  }

  /**
   * A pool for a URL: `postgres:`, `postgresql:`, `mysql:`, `mariadb:`, `sqlite:`. Of its options only those that are known to be harmless
   * pass.
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
    return statsOf(this.#options, this.#leases, this.#dispatcher, this.#journal);
  }

  runQuery<Row = AnyRow, const Options extends StatementOptions = StatementOptions>(
    sql: string,
    params?: Params,
    options?: Options,
  ): Deferred<RowUnder<Row, Options>[]> {
    return this.#statement(sql, params, options, rowsOf) as Deferred<RowUnder<Row, Options>[]>;
  }

  runOperation(sql: string, params?: Params, options?: StatementOptions): Deferred<OperationResult> {
    return this.#statement(sql, params, options, operationOf);
  }

  runStatement<Row = AnyRow, const Options extends StatementOptions = StatementOptions>(
    sql: string,
    params?: Params,
    options?: Options,
  ): Deferred<StatementResult<RowUnder<Row, Options>>> {
    return this.#statement(sql, params, options, resultOf) as Deferred<
      StatementResult<RowUnder<Row, Options>>
    >;
  }

  runStream<Row = AnyRow, const Options extends StatementOptions = StatementOptions>(
    sql: string,
    params?: Params,
    options?: Options,
  ): RowStream<RowUnder<Row, Options>> {
    let bound: Params | undefined;
    try {
      bound = this.#bound(sql, params, options);
    } catch (error) {
      return refusedStream(this.#driver, error);
    }
    const statement = { sql, params: bound, rowMode: options?.rowMode ?? "object" } as const;
    const timeoutMillis = options?.timeoutMillis ?? this.#options.statementTimeoutMillis;
    const stack = this.#options.leakDetectionMillis === undefined ? undefined : new Error("taken here").stack;
    const opener = {
      driver: this.#driver,
      trace: channels.statement.hasSubscribers ? this.#traceOf(sql, bound) : undefined,
      lostOutcome: "unknown" as const,
      open: (signal: AbortSignal) => {
        const open = () => this.#openStream(sql, stack, signal);
        return channels.acquire.hasSubscribers
          ? tracedPromise(channels.acquire, { ...this.#origin }, open)
          : open();
      },
    };
    return new RowStream(opener, statement, { ...options, timeoutMillis });
  }

  /**
   * Runs `fn` in one transaction on one connection: fires with what it gave once that is committed; when it fails, or gives something that
   * fails, everything is rolled back and the Deferred fails with its error.
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
    return this.#interaction(INTERACTION, call);
  }

  /**
   * Runs `fn` with a connection, whose transaction begins with its first statement: fires with what it gave after commit; rolls back when it
   * fails. The session is reset before anyone else gets it.
   */
  runWithConnection<T, Args extends unknown[]>(
    fn: (connection: Connection, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runWithConnection<T, Args extends unknown[]>(
    options: InteractionOptions,
    fn: (connection: Connection, ...args: Args) => Answer<T>,
    ...args: Args
  ): Deferred<T>;
  runWithConnection(...call: unknown[]): Deferred<unknown> {
    return this.#interaction(WITH_CONNECTION, call);
  }

  /**
   * Lends a session until what `fn` gave has fired: statements are on their own there, and transactions are begun and ended by name. For query
   * builders, which ask for the one and the other.
   * @internal
   */
  runWithSession(
    options: InteractionOptions,
    fn: (session: OpenSession) => PromiseLike<void>,
  ): Deferred<void> {
    let lent: OpenSession | undefined;
    const kind: InteractionKind = {
      verb: "runWithSession",
      mode: "autocommit",
      get reset() {
        return lent?.touched === true;
      },
      face(session, sequence) {
        lent = new OpenSession(session, sequence);
        return lent;
      },
    };
    return this.#interaction(kind, [options, fn]) as Deferred<void>;
  }

  /** Fires once `min` connections are open; fails with the reason why one could not be opened. Optional: the first statement starts the pool too. */
  start(): Deferred<void> {
    return Deferred.fromPromise(this.#dispatcher.whileWorking(this.#leases.fill())) as Deferred<void>;
  }

  /**
   * Takes nothing new; fires once queued and running work has finished and every connection is closed. Asked again, it gives the same answer.
   * Asked from inside of an interaction of this pool it fires at once, and the pool closes when that has ended.
   */
  close(options: CloseOptions = {}): Deferred<void> {
    try {
      checkCloseOptions(options);
    } catch (error) {
      return fail(error) as unknown as Deferred<void>;
    }
    const { timeoutMillis } = options;
    const inside = this.#interactions.size > 0 && calledInside(adbapiInteraction);
    this.#closing ??= this.#dispatcher.whileWorking(this.#close(timeoutMillis));
    if (inside) return Deferred.fromPromise(Promise.resolve()) as Deferred<void>;
    return Deferred.fromPromise(this.#closing) as Deferred<void>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Never the connect arguments: they hold a password. */
  [inspect.custom](): string {
    const { size, idle, inUse, waiting } = this.stats;
    return `ConnectionPool { name: '${this.name}', size: ${size}, idle: ${idle}, inUse: ${inUse}, waiting: ${waiting} }`;
  }

  #statement<T>(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
    pick: (result: Result) => T,
  ): Deferred<T> {
    let bound: Params | undefined;
    try {
      bound = this.#bound(sql, params, options);
    } catch (error) {
      return fail(error) as unknown as Deferred<T>;
    }
    if (options?.signal?.aborted) return cancelledBefore(options.signal, sql);
    const timeout = options?.timeoutMillis ?? this.#options.statementTimeoutMillis;
    const job = () => new StatementJob(this.#dispatcher, sql, bound, pick, options, timeout);
    if (!channels.statement.hasSubscribers) return this.#dispatcher.submit(job()) as Deferred<T>;
    const trace = this.#traceOf(sql, bound);
    const submit = () => {
      const watched = job();
      watched.trace = trace;
      return this.#dispatcher.submit(watched) as Deferred<T>;
    };
    return traced(channels.statement, trace, submit);
  }

  #traceOf(sql: string, bound: Params | undefined): StatementTrace {
    return { ...this.#origin, sql, parameterized: bound !== undefined, inTransaction: false };
  }

  #bound(sql: string, params: Params | undefined, options: StatementOptions | undefined): Params | undefined {
    checkSql(sql);
    if (options !== undefined) checkStatementOptions(options);
    return params === undefined ? undefined : (this.#driver.bind?.(params) ?? params);
  }

  #interaction(kind: InteractionKind, call: readonly unknown[]): Deferred<unknown> {
    let parsed: ReturnType<typeof interactionCall>;
    try {
      parsed = interactionCall(call);
      checkInteractionOptions(parsed.options);
    } catch (error) {
      return fail(error);
    }
    const { options = {}, fn, args } = parsed;
    if (options.signal?.aborted) return cancelledBefore(options.signal, undefined);
    const work = (face: unknown) => (fn as (...all: unknown[]) => unknown)(face, ...args);
    const start = (fn: (face: unknown) => unknown) => {
      const interaction = new Interaction<unknown>(this.#context, kind, options, fn, () =>
        this.#interactions.delete(interaction),
      );
      this.#interactions.add(interaction);
      interaction.start();
      return interaction.deferred;
    };
    if (!channels.interaction.hasSubscribers) return start(work);
    const trace: InteractionTrace = { ...this.#origin, verb: kind.verb };
    const within = (face: unknown) =>
      trace.around === undefined ? work(face) : trace.around(() => work(face));
    return traced(channels.interaction, trace, () => start(within));
  }

  #openStream(sql: string, stack: string | undefined, signal: AbortSignal): Promise<StreamPlace> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#dispatcher.withdraw(request);
        reject(signal.reason);
      };
      const granted = (lease: Lease) => {
        signal.removeEventListener("abort", leave);
        const unwatch = this.#journal.watch(lease);
        const done = () => {
          unwatch();
          void this.#dispatcher.giveBack(lease, false);
        };
        resolve({ conn: lease.conn, done });
      };
      const refused = (error: unknown) => {
        signal.removeEventListener("abort", leave);
        reject(error);
      };
      const writes = this.#driver.stackable?.(sql) !== true;
      const request = new ExclusiveRequest({ holder: `runStream: ${sql}`, writes, stack, granted, refused });
      signal.addEventListener("abort", leave, { once: true });
      this.#dispatcher.request(request);
    });
  }

  /** What `openfun` does to a new session is committed before anyone uses it. */
  async #prepare(lease: Lease): Promise<void> {
    const { openfun } = this.#options;
    if (openfun === undefined) return;
    const session = new Session(lease, this.#context, {}, "connection");
    const sequence = session.open();
    try {
      await openfun(new Connection(session, sequence));
      await sequence.idle();
      await session.commit();
    } catch (error) {
      await session.rollback(error);
      throw new OperationalError("openfun failed: the new connection was discarded", { cause: error });
    }
    session.close(sequence);
  }

  async #close(timeoutMillis: number | undefined): Promise<void> {
    const drained = this.#dispatcher.drain();
    if (timeoutMillis === undefined || timeoutMillis === Number.POSITIVE_INFINITY) await drained;
    else {
      const closed = new PoolClosed(
        `the pool "${this.name}" was closed, and its ${timeoutMillis} ms for work to finish were over`,
      );
      await within(drained, timeoutMillis, () => closed).catch(async () => {
        this.#dispatcher.abort(closed);
        // Those that waited for a connection have had their answer.
        const running = [...this.#interactions].filter(({ state }) => state !== "waiting");
        for (const interaction of running) interaction.cancel(closed);
        // What does not settle then, is destroyed.
        await within(drained, 6_000, () => closed).catch(() => this.#leases.destroyAll());
        await drained;
      });
    }
    await this.#leases.close();
    this.#dispatcher.close();
  }
}

function cancelledBefore(signal: AbortSignal, sql: string | undefined): Deferred<never> {
  const error = new CancelledError("cancelled before it was sent", {
    cause: signal.reason,
    outcome: "not sent",
    sql,
  });
  return fail(error) as unknown as Deferred<never>;
}
