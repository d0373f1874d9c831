import { longestTimer } from "../../../src/options/option-checks.js";
import { connectFailure, whereOf } from "../errors/connect-failure.js";

/** How long opening a session may take. */
const CONNECT_MILLIS = 10_000;

/** What of the connect arguments says how long, and where. */
export type Connecting = Parameters<typeof whereOf>[0] & { readonly connectTimeout?: number | undefined };

/**
 * Runs `work` with a signal that aborts when the given one does, with its reason, or when the `connectTimeout`
 * (milliseconds, 0 is none) of `args` is over: all of it has that one deadline. The packages' own timers would keep the
 * process alive, and `AbortSignal.any` forgets timeouts on Node 20 (nodejs/node #57736).
 */
export async function inTime<T>(
  args: Connecting,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const abort = (): void => limit.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const millis = args.connectTimeout ?? CONNECT_MILLIS;
  const late = () => limit.abort(connectFailure(whereOf(args), new Error(`no answer in ${millis} ms`)));
  const timer = millis > 0 ? setTimeout(late, Math.min(millis, longestTimer)).unref() : undefined;
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** Calls `giveUp` with its reason when the signal aborts; stops when what it gives is called. */
export function onAbort(signal: AbortSignal, giveUp: (reason: unknown) => void): () => void {
  const abort = (): void => giveUp(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}
