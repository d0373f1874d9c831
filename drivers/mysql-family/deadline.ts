import { longestTimer } from "../../src/option-checks.js";

/** How long opening a session may take. */
const CONNECT_MILLIS = 10_000;

/**
 * Calls `giveUp` when the signal aborts, with its reason, or when `connectTimeout` (milliseconds, 0 is none) is over; stops when what it gives
 * is called. The packages' own timers would keep the process alive, and `AbortSignal.any` forgets timeouts on Node 20 (nodejs/node #57736).
 */
export function deadline(
  connectTimeout: number | undefined,
  signal: AbortSignal,
  giveUp: (reason: unknown) => void,
): () => void {
  const abort = (): void => giveUp(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const millis = connectTimeout ?? CONNECT_MILLIS;
  const late = () => giveUp(new Error(`no answer in ${millis} ms`));
  const timer = millis > 0 ? setTimeout(late, Math.min(millis, longestTimer)).unref() : undefined;
  return () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  };
}
