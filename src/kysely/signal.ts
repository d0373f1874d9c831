import type {
  CompiledQuery,
  Kysely,
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from "kysely";

/** By the id of a query that is being compiled, then by what that gave. */
export const signals = new WeakMap<object, AbortSignal>();

/**
 * The same Kysely, or transaction, whose statements and streams end when the signal is aborted: stopped at the server,
 * they fail with `CancelledError`, whose `cause` is the signal's reason.
 */
// biome-ignore lint/suspicious/noExplicitAny: any database
export function withSignal<Db extends Pick<Kysely<any>, "withPlugin">>(db: Db, signal: AbortSignal): Db {
  return db.withPlugin(new SignalPlugin(signal)) as unknown as Db;
}

/** Takes the signals from the id, which a constant of `sql` keeps for every run of it, to this one run's query. */
export function withItsSignal(query: CompiledQuery): CompiledQuery {
  const signal = signals.get(query.queryId);
  if (signal) signals.set(query, signal);
  signals.delete(query.queryId);
  return query;
}

class SignalPlugin implements KyselyPlugin {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    const other = signals.get(queryId);
    signals.set(queryId, other ? AbortSignal.any([other, this.#signal]) : this.#signal);
    return node;
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result;
  }
}
