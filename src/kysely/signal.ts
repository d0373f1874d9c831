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

/** Kysely names each query by an object, which lives as long as the query does. */
const signals = new WeakMap<object, AbortSignal>();

/**
 * The same Kysely, or transaction, whose statements and streams end when the signal is aborted: stopped at the server, they fail with
 * `CancelledError`, whose `cause` is the signal's reason.
 */
// biome-ignore lint/suspicious/noExplicitAny: any database
export function withSignal<Db extends Pick<Kysely<any>, "withPlugin">>(db: Db, signal: AbortSignal): Db {
  return db.withPlugin(new SignalPlugin(signal)) as unknown as Db;
}

export function signalOf({ queryId }: CompiledQuery): AbortSignal | undefined {
  return signals.get(queryId);
}

class SignalPlugin implements KyselyPlugin {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    const other = signals.get(queryId);
    signals.set(queryId, other === undefined ? this.#signal : AbortSignal.any([other, this.#signal]));
    return node;
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result;
  }
}
