import type { Params } from "../../drivers/driver.js";
import { takenBy } from "../diagnostics/call-site.js";
import { channels, tracedPromise } from "../diagnostics/channels.js";
import { ExclusiveRequest } from "../dispatch/queue.js";
import type { PoolClosed } from "../errors/classes.js";
import { withDetails } from "../errors/details.js";
import type { InteractionContext } from "../interaction/interaction.js";
import { type BulkOptions, checkBulkOptions, type StatementOptions } from "../options/call-options.js";
import { judged, translated } from "../pool/driver-guard.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { boundParams } from "../statement/check-sql.js";
import { NO_END } from "../statement/waiting-line.js";
import { refusedStream } from "./refused-stream.js";
import { RowStream } from "./row-stream.js";
import type { StreamOpener, StreamPlace } from "./stream-cursor.js";

/** The streams of a pool: each on a connection of its own, asked for with the first row and given back at the end. */
export class PoolStreams {
  readonly #context: InteractionContext;
  /** Those that have a connection. */
  readonly #open = new Set<RowStream<unknown>>();

  constructor(context: InteractionContext) {
    this.#context = context;
  }

  /** As `make`, of what a COPY writes. */
  copyTo(
    sql: string,
    options: BulkOptions | undefined,
    verb: (...call: never[]) => unknown,
  ): RowStream<unknown> {
    try {
      checkBulkOptions(options, "runCopyTo");
    } catch (error) {
      return refusedStream(this.#context.driver, error);
    }
    return this.make(sql, undefined, options, verb, (conn, statement) => conn.copyTo?.(statement));
  }

  make(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
    verb: (...call: never[]) => unknown,
    source?: StreamOpener["source"],
  ): RowStream<unknown> {
    const { driver, origin, options: poolOptions } = this.#context;
    let bound: Params | undefined;
    try {
      bound = boundParams(driver, sql, params, options);
    } catch (error) {
      return refusedStream(driver, error);
    }
    const statement = { sql, params: bound, rowMode: options?.rowMode ?? "object" } as const;
    const timeoutMillis = options?.timeoutMillis ?? poolOptions.statementTimeoutMillis;
    const stack = takenBy(verb, poolOptions.leakDetectionMillis !== undefined);
    const traceOf = () => ({
      ...origin,
      sql,
      parameterized: bound !== undefined,
      inTransaction: false,
      streamed: true,
    });
    const opener = {
      driver,
      trace: channels.statement.hasSubscribers ? traceOf() : undefined,
      failure: (reason: unknown) =>
        withDetails(translated(driver, reason, sql, bound), { sql, params: bound }),
      autocommitted: true,
      ...(source && { source }),
      open: async (signal: AbortSignal) => {
        const open = () => placeFor(this.#context, sql, stack, signal);
        const { connection, done } = await (channels.acquire.hasSubscribers
          ? tracedPromise(channels.acquire, { ...origin }, open)
          : open());
        this.#open.add(stream);
        const over = () => {
          this.#open.delete(stream);
          return done();
        };
        return { connection, done: over };
      },
    };
    const stream: RowStream<unknown> = new RowStream(opener, statement, { ...options, timeoutMillis });
    return stream;
  }

  /** Those that wait for a connection hear of it otherwise. */
  cancel(cause: PoolClosed): void {
    for (const stream of this.#open) stream.cancel(cause);
  }
}

function placeFor(
  { dispatcher, driver, events }: InteractionContext,
  sql: string,
  stack: string | undefined,
  signal: AbortSignal,
): Promise<StreamPlace> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      dispatcher.withdraw(request);
      reject(signal.reason);
    };
    const granted = (connection: PooledConnection) => {
      signal.removeEventListener("abort", leave);
      const unwatch = events.watch(connection);
      const done = () => {
        unwatch?.();
        return dispatcher.giveBack(connection, false);
      };
      resolve({ connection, done });
    };
    const refused = (error: unknown) => {
      signal.removeEventListener("abort", leave);
      reject(error);
    };
    const writes = !judged(driver, driver.seemsReadOnly === undefined ? "stackable" : "seemsReadOnly", sql);
    const request = new StreamRequest(sql, writes, stack, granted, refused);
    signal.addEventListener("abort", leave, { once: true });
    dispatcher.request(request);
  });
}

class StreamRequest extends ExclusiveRequest {
  readonly holder: string;
  readonly writes: boolean;
  readonly stack: string | undefined;
  readonly grant: (connection: PooledConnection) => void;
  readonly refuse: (error: unknown) => void;

  constructor(
    sql: string,
    writes: boolean,
    stack: string | undefined,
    grant: (connection: PooledConnection) => void,
    refuse: (error: unknown) => void,
  ) {
    super("adbapi.Stream", NO_END);
    this.holder = `runStream: ${sql}`;
    this.writes = writes;
    this.stack = stack;
    this.grant = grant;
    this.refuse = refuse;
  }
}
