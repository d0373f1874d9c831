import type { Params } from "../drivers/driver.js";
import { boundParams } from "./bound-params.js";
import type { StatementOptions } from "./call-options.js";
import { channels, tracedPromise } from "./diagnostics.js";
import { judged } from "./driver-faults.js";
import { ExclusiveRequest } from "./exclusive-request.js";
import type { InteractionContext } from "./interaction.js";
import type { Lease } from "./lease.js";
import { RowStream, refusedStream, type StreamPlace } from "./stream.js";
import { takenBy } from "./taken-by.js";

/** A stream on a connection of its own, asked for with the first row and given back at the end. */
export function poolStream(
  context: InteractionContext,
  sql: string,
  params: Params | undefined,
  options: StatementOptions | undefined,
  verb: (...call: never[]) => unknown,
): RowStream<unknown> {
  const { driver, origin } = context;
  let bound: Params | undefined;
  try {
    bound = boundParams(driver, sql, params, options);
  } catch (error) {
    return refusedStream(driver, error);
  }
  const statement = { sql, params: bound, rowMode: options?.rowMode ?? "object" } as const;
  const timeoutMillis = options?.timeoutMillis ?? context.options.statementTimeoutMillis;
  const stack = takenBy(verb, context.options.leakDetectionMillis !== undefined);
  const traceOf = () => ({ ...origin, sql, parameterized: bound !== undefined, inTransaction: false });
  const opener = {
    driver,
    trace: channels.statement.hasSubscribers ? traceOf() : undefined,
    lostOutcome: "unknown" as const,
    open: (signal: AbortSignal) => {
      const open = () => placeFor(context, stream, sql, stack, signal);
      return channels.acquire.hasSubscribers ? tracedPromise(channels.acquire, { ...origin }, open) : open();
    },
  };
  const stream: RowStream<unknown> = new RowStream(opener, statement, { ...options, timeoutMillis });
  return stream;
}

function placeFor(
  { dispatcher, driver, journal, streams }: InteractionContext,
  stream: RowStream<unknown>,
  sql: string,
  stack: string | undefined,
  signal: AbortSignal,
): Promise<StreamPlace> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      dispatcher.withdraw(request);
      reject(signal.reason);
    };
    const granted = (lease: Lease) => {
      signal.removeEventListener("abort", leave);
      const unwatch = journal.watch(lease);
      streams.add(stream);
      const done = () => {
        unwatch();
        streams.delete(stream);
        void dispatcher.giveBack(lease, false);
      };
      resolve({ lease, done });
    };
    const refused = (error: unknown) => {
      signal.removeEventListener("abort", leave);
      reject(error);
    };
    const writes = !judged(driver, "stackable", sql);
    const request = new ExclusiveRequest({ holder: `runStream: ${sql}`, writes, stack, granted, refused });
    signal.addEventListener("abort", leave, { once: true });
    dispatcher.request(request);
  });
}
