import { channel, type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { DatabaseName } from "../../drivers/driver.js";
import type { Deferred } from "../defer/index.js";
import { Failure } from "../defer/index.js";
import type { PoolStats } from "./pool-stats.js";

/** What a listener may ask of the pool that an event comes from. */
export interface TracedPool {
  readonly name: string;
  readonly database: DatabaseName;
  readonly closed: boolean;
  readonly stats: PoolStats;
}

/** Which pool an event comes from. */
export interface Origin {
  /** The pool's name. */
  readonly pool: string;
  readonly driver: string;
  /** The pool itself; two pools may have one name. */
  readonly source: TracedPool;
}

interface Trace extends Origin {
  /** Set before the `error` event. */
  error?: unknown;
}

/** What a listener of `adbapi:statement` is given, one object for all events of one statement. Never params. */
export interface StatementTrace extends Trace {
  readonly sql: string;
  /** Whether values were given beside the text; without, the text may hold them itself. */
  readonly parameterized: boolean;
  /** How many lists of params there are: of `executeMany` alone. */
  readonly batchSize?: number | undefined;
  /** Whether it runs inside of an interaction or `runWithConnection`. */
  readonly inTransaction: boolean;
  /** Set for a stream of the pool's, whose wait for a connection is an event of `adbapi:acquire`. */
  readonly streamed?: boolean;
  /**
   * How long it stood in the pool's queue until it was put on a connection, set by then. Undefined in a transaction,
   * which has its connection, and for a stream, whose wait is an event of `adbapi:acquire`.
   */
  waitedMillis?: number;
}

/** Of `adbapi:interaction`: from the call to its answer, with all attempts. */
export interface InteractionTrace extends Trace {
  readonly verb: "runInteraction" | "runWithConnection" | "runWithSession" | "runScript";
  /**
   * A listener of `start` may set it: called in place of the function, for each attempt, it calls that in a context of
   * the listener's own and gives what it gave. A listener that finds one there already calls it too.
   */
  around?: (call: () => unknown) => unknown;
}

/**
 * Of `adbapi:acquire`: the wait of an interaction or a stream for its connection. (Single statements share
 * connections.)
 */
export type AcquireTrace = Trace;

/** Of `adbapi:connect`. */
export type ConnectTrace = Trace;

/**
 * What a listener of the plain channel `adbapi:release` is given: a connection went back, or was given up after use.
 */
export interface ReleaseTrace extends Origin {
  /** How long it was used: by one interaction or stream, or by the single statements that shared it. */
  readonly heldMillis: number;
}

/**
 * Tracing channels, each with the events `start`, `end`, `asyncStart`, `asyncEnd` and `error`. Without a listener
 * they cost one look at a property. A listener that throws is reported by Node.js as an uncaught exception, as with
 * every channel; the pool goes on.
 * @see https://nodejs.org/docs/latest-v20.x/api/diagnostics_channel.html#class-tracingchannel
 */
export const channels = Object.freeze({
  statement: tracingChannel<unknown, StatementTrace>("adbapi:statement"),
  interaction: tracingChannel<unknown, InteractionTrace>("adbapi:interaction"),
  acquire: tracingChannel<unknown, AcquireTrace>("adbapi:acquire"),
  connect: tracingChannel<unknown, ConnectTrace>("adbapi:connect"),
  release: channel("adbapi:release"),
});

/** Work that begins here and ends when its Deferred fires, before the caller hears of that. */
export function traced<T, C extends Trace>(
  channel: TracingChannel<unknown, C>,
  trace: C,
  begin: () => Deferred<T>,
): Deferred<T> {
  const deferred = channel.start.runStores(trace, begin);
  channel.end.publish(trace);
  deferred.addBoth((result) => {
    ended(channel, trace, result instanceof Failure ? result : undefined);
    return result;
  });
  return deferred;
}

/** The same for a promise. */
export async function tracedPromise<T, C extends Trace>(
  channel: TracingChannel<unknown, C>,
  trace: C,
  begin: () => Promise<T>,
): Promise<T> {
  const work = channel.start.runStores(trace, begin);
  channel.end.publish(trace);
  try {
    const value = await work;
    ended(channel, trace, undefined);
    return value;
  } catch (error) {
    ended(channel, trace, new Failure(error));
    throw error;
  }
}

/** The same for work that has a beginning and an end of its own: gives what ends it. */
export function tracedUntil<C extends Trace>(
  channel: TracingChannel<unknown, C>,
  trace: C,
): (failure: Failure | undefined) => void {
  channel.start.publish(trace);
  channel.end.publish(trace);
  return (failure) => ended(channel, trace, failure);
}

function ended<C extends Trace>(
  channel: TracingChannel<unknown, C>,
  trace: C,
  failure: Failure | undefined,
): void {
  if (failure !== undefined) {
    trace.error = failure.value;
    channel.error.publish(trace);
  }
  channel.asyncStart.publish(trace);
  channel.asyncEnd.publish(trace);
}
