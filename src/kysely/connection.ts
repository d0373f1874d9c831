import { CompiledQuery, type DatabaseConnection, type QueryResult } from "kysely";
import type { Params, TransactionOptions } from "../../drivers/driver.js";
import type { ConnectionPool } from "../connection-pool.js";
import type { Deferred } from "../defer/index.js";
import { unsentError } from "../errors/given-up.js";
import type { BulkOptions, StatementOptions } from "../options/call-options.js";
import type { OpenSession } from "../session/open-session.js";
import type { AnyRow, StatementResult } from "../statement/results.js";
import { unwatchAbort, watchAbort } from "../timeouts/abort-watch.js";
import { queryResult } from "./result.js";
import { signals } from "./signal.js";

/** What a statement can be run on: the pool, or a session of it. */
interface Place {
  runStatement(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
  ): Deferred<StatementResult<AnyRow>>;
  runScript(sql: string, options: BulkOptions | undefined): Deferred<void>;
  runStream(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
  ): AsyncIterableIterator<AnyRow>;
}

/** What newer versions of Kysely hand to statements and streams. */
interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

/** One of Kysely's connections. This one is for a single statement, which goes the pool's own way: nothing is held. */
export class AdbapiConnection implements DatabaseConnection {
  protected readonly pool: ConnectionPool;
  /** Once it has fired, a cancel does nothing. */
  #last: Deferred<unknown> | undefined;

  constructor(pool: ConnectionPool) {
    this.pool = pool;
  }

  async release(): Promise<void> {}

  /** The signal ends the wait for it, and nothing after that. */
  protected place(_: AbortSignal | undefined): Place | Promise<Place> {
    return this.pool;
  }

  /** What Kysely's own signal does to a statement that runs is for `cancelQuery` to say. */
  async executeQuery<R>(query: CompiledQuery, options?: Abortable): Promise<QueryResult<R>> {
    const place = await this.place(optionsOf(query, options)?.signal);
    options?.signal?.throwIfAborted();
    if (isScript(this.pool, query)) {
      const script = place.runScript(query.sql, optionsOf(query));
      this.#last = script;
      await script;
      return { rows: [] };
    }
    const running = place.runStatement(query.sql, paramsOf(query), optionsOf(query));
    this.#last = running;
    return queryResult<R>(query, await running);
  }

  async *streamQuery<R>(
    query: CompiledQuery,
    chunkSize = 100,
    options?: Abortable,
  ): AsyncIterableIterator<QueryResult<R>> {
    const own = optionsOf(query, options);
    const place = await this.place(own?.signal);
    let rows: R[] = [];
    for await (const row of place.runStream(query.sql, paramsOf(query), own)) {
      rows.push(row as R);
      if (rows.length < chunkSize) continue;
      yield { rows };
      rows = [];
    }
    if (rows.length > 0) yield { rows };
  }

  /** Asked by newer versions of Kysely: the statement is stopped at the server, and nothing else is harmed. */
  async cancelQuery(): Promise<void> {
    this.#last?.cancel();
  }

  /** No session need be killed for it. */
  killSession(): Promise<void> {
    return this.cancelQuery();
  }
}

type Act = (connection: OwnConnection) => Promise<void>;

/** What the pool does itself, by the query that stands for it: Kysely logs what is executed, and nothing else. */
const commands = new WeakMap<CompiledQuery, Act>();

/** A query that begins or ends a transaction, in the words of Kysely's own dialects. */
export function transactionCommand(sql: string, act: Act): CompiledQuery {
  const query = CompiledQuery.raw(sql);
  commands.set(query, act);
  return query;
}

/**
 * For a transaction, or `db.connection()`: a session of the pool, taken for its first statement, kept until it is
 * released.
 */
export class OwnConnection extends AdbapiConnection {
  #session: Promise<OpenSession> | undefined;
  #over: Promise<unknown> | undefined;
  #giveBack: (() => void) | undefined;
  /** Of a transaction of which nothing has run. */
  #due: TransactionOptions | undefined;

  override async executeQuery<R>(query: CompiledQuery, options?: Abortable): Promise<QueryResult<R>> {
    const act = commands.get(query);
    if (act === undefined) return super.executeQuery<R>(query, options);
    await act(this);
    return { rows: [] };
  }

  begin(options: TransactionOptions): void {
    this.#due = options;
  }

  async commit(): Promise<void> {
    this.#due = undefined;
    await (await this.#session)?.commit();
  }

  async rollback(): Promise<void> {
    this.#due = undefined;
    const session = await this.#session?.catch(() => undefined);
    const rolledBack = session?.rollback();
    // Where a deadline has passed unanswered, the caller waits for nothing that comes after it.
    if (session?.late !== true) await rolledBack;
  }

  /** Fires when the session is the pool's again: what a caller left open is rolled back. */
  override async release(): Promise<void> {
    await this.rollback();
    this.#giveBack?.();
    if ((await this.#session?.catch(() => undefined))?.late !== true) await this.#over;
  }

  protected override async place(signal: AbortSignal | undefined): Promise<Place> {
    this.#session ??= this.#taken(signal);
    const session = await this.#session;
    if (this.#due) await session.begin(this.#due);
    this.#due = undefined;
    return session;
  }

  #taken(signal: AbortSignal | undefined): Promise<OpenSession> {
    return new Promise((resolve, reject) => {
      const withdraw = () => lent.cancel();
      const lent: Deferred<void> = this.pool.runWithSession({ readOnly: this.#due?.readOnly }, (session) => {
        if (signal) unwatchAbort(signal, withdraw);
        resolve(session);
        return new Promise<void>((done) => {
          this.#giveBack = done;
        });
      });
      if (signal) watchAbort(signal, withdraw);
      if (signal?.aborted) withdraw();
      // A caller that uses it after the pool has ended it is told why by the session; where nothing has run, the next
      // statement asks again.
      this.#over = lent.then(undefined, (error) => {
        if (signal) unwatchAbort(signal, withdraw);
        if (!this.#giveBack) this.#session = undefined;
        reject(signal?.aborted ? unsentError(signal.reason) : error);
      });
    });
  }
}

/** A raw text of several statements, as migrations have them: Kysely's own dialects run those too. */
function isScript(pool: ConnectionPool, { query, sql, parameters }: CompiledQuery): boolean {
  return query.kind === "RawNode" && parameters.length === 0 && pool.isScript(sql);
}

function paramsOf({ parameters }: CompiledQuery): readonly unknown[] | undefined {
  return parameters.length > 0 ? parameters : undefined;
}

function optionsOf(query: CompiledQuery, options?: Abortable): StatementOptions | undefined {
  const own = signals.get(query);
  const given = options?.signal;
  const signal = given && own ? AbortSignal.any([given, own]) : (given ?? own);
  return signal && { signal };
}
