import { type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { Deferred } from "./defer/index.js";
import { Failure } from "./defer/index.js";

interface Trace {
  /** The pool's name. */
  readonly pool: string;
  readonly driver: string;
  /** Set before the `error` event. */
  error?: unknown;
}

/** What a listener of `adbapi:statement` is given, one object for all events of one statement. Never params. */
export interface StatementTrace extends Trace {
  readonly sql: string;
  /** Whether it runs inside of an interaction or `runWithConnection`. */
  readonly inTransaction: boolean;
}

/** Of `adbapi:interaction`: from the call to its answer, with all attempts. */
export interface InteractionTrace extends Trace {
  readonly verb: "runInteraction" | "runWithConnection" | "runWithSession";
}

/** Of `adbapi:acquire`: the wait of an interaction or a stream for its connection. (Single statements share connections.) */
export type AcquireTrace = Trace;

/** Of `adbapi:connect`. */
export type ConnectTrace = Trace;

/**
 * Tracing channels, each with the events `start`, `end`, `asyncStart`, `asyncEnd` and `error`. While nobody listens they cost one look at a
 * property. A listener that throws is reported by Node.js as an uncaught exception, as with every channel; the pool goes on.
 * @see https://nodejs.org/docs/latest-v20.x/api/diagnostics_channel.html#class-tracingchannel
 */
export const channels = Object.freeze({
  statement: tracingChannel<"adbapi:statement", StatementTrace>("adbapi:statement"),
  interaction: tracingChannel<"adbapi:interaction", InteractionTrace>("adbapi:interaction"),
  acquire: tracingChannel<"adbapi:acquire", AcquireTrace>("adbapi:acquire"),
  connect: tracingChannel<"adbapi:connect", ConnectTrace>("adbapi:connect"),
});

/** Work that begins here and ends when its Deferred fires, before anybody else hears of that. */
export function traced<T, C extends Trace>(
  channel: TracingChannel<string, C>,
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
  channel: TracingChannel<string, C>,
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

function ended<C extends Trace>(
  channel: TracingChannel<string, C>,
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
