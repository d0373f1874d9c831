import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import type { Params, TransactionOptions } from "../../drivers/driver.js";
import type { StatementOptions } from "../call-options.js";
import type { ConnectionPool } from "../connection-pool.js";
import type { Deferred } from "../defer/index.js";
import type { OpenSession } from "../open-session.js";
import type { AnyRow, StatementResult } from "../queryable.js";
import { queryResult } from "./result.js";
import { signalOf } from "./signal.js";

/** What a statement can be run on: the pool, or a session of it. */
interface Place {
  runStatement(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
  ): Deferred<StatementResult<AnyRow>>;
  runStream(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
  ): AsyncIterableIterator<AnyRow>;
}

/** What newer versions of Kysely hand to streams. */
interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

/** One of Kysely's connections. This one is for a single statement, which goes the pool's own way: nothing is held. */
export class AdbapiConnection implements DatabaseConnection {
  protected readonly pool: ConnectionPool;
  #running: Deferred<unknown> | undefined;

  constructor(pool: ConnectionPool) {
    this.pool = pool;
  }

  async release(): Promise<void> {}

  protected place(): Place | Promise<Place> {
    return this.pool;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const place = await this.place();
    const running = place.runStatement(query.sql, paramsOf(query), optionsOf(query));
    this.#running = running;
    try {
      return queryResult<R>(query, await running);
    } finally {
      this.#running = undefined;
    }
  }

  async *streamQuery<R>(
    query: CompiledQuery,
    chunkSize = 100,
    options?: Abortable,
  ): AsyncIterableIterator<QueryResult<R>> {
    const place = await this.place();
    let rows: R[] = [];
    for await (const row of place.runStream(query.sql, paramsOf(query), optionsOf(query, options?.signal))) {
      rows.push(row as R);
      if (rows.length < chunkSize) continue;
      yield { rows };
      rows = [];
    }
    if (rows.length > 0) yield { rows };
  }

  /** Asked by newer versions of Kysely: the statement is stopped at the server, and nothing else is harmed. */
  async cancelQuery(): Promise<void> {
    this.#running?.cancel();
  }

  /** No session need be killed for it. */
  killSession(): Promise<void> {
    return this.cancelQuery();
  }
}

/** For a transaction, or `db.connection()`: a session of the pool, taken when it is first used, kept until it is released. */
export class OwnConnection extends AdbapiConnection {
  #session: Promise<OpenSession> | undefined;
  #over: Promise<unknown> | undefined;
  #giveBack: (() => void) | undefined;

  async begin(options: TransactionOptions): Promise<void> {
    const session = await this.#taken(options.readOnly === true);
    await session.begin(options);
  }

  async commit(): Promise<void> {
    await (await this.#session)?.commit();
  }

  async rollback(): Promise<void> {
    await (await this.#session)?.rollback();
  }

  /** Fires when the session is the pool's again: what a caller left open is rolled back. */
  override async release(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    await session?.rollback();
    this.#giveBack?.();
    await this.#over;
  }

  protected override place(): Promise<Place> {
    return this.#taken(false);
  }

  #taken(readOnly: boolean): Promise<OpenSession> {
    this.#session ??= new Promise((resolve, reject) => {
      const lent = this.pool.runWithSession({ readOnly }, (session) => {
        resolve(session);
        return new Promise<void>((done) => {
          this.#giveBack = done;
        });
      });
      // Whoever uses it after the pool has ended it is told why by the session.
      this.#over = lent.then(undefined, reject);
    });
    return this.#session;
  }
}

function paramsOf({ parameters }: CompiledQuery): readonly unknown[] | undefined {
  return parameters.length > 0 ? parameters : undefined;
}

function optionsOf(query: CompiledQuery, given?: AbortSignal): StatementOptions | undefined {
  const own = signalOf(query);
  if (given === undefined && own === undefined) return undefined;
  return {
    signal: given === undefined || own === undefined ? (given ?? own) : AbortSignal.any([given, own]),
  };
}
