import { debugging } from "./debugging.js";
import { isCancellation } from "./errors.js";
import type { Failure } from "./failure.js";

/** A rejected promise that stands for a failure that has no handler. */
export type Alarm = Promise<never>;

const HINT =
  '\n    (no errback, then or await took this failure: setDebugging(true) of "adbapi/defer" shows where its Deferred was made)';

/** The errors of alarms that are not calmed; undefined as long as there was none. */
let unhandled: WeakSet<Error> | undefined;

/**
 * Leaves a failure to Node.js as an unhandled rejection, so that `--unhandled-rejections`, the events of
 * `process` and "when the current work is done" all mean what they mean for promises.
 * A cancel needs no handler: the caller has asked for it.
 */
export function raiseAlarm(failure: Failure): Alarm | undefined {
  if (isCancellation(failure.value)) return undefined;
  unhandled ??= watchTheEnd();
  unhandled.add(failure.value);
  return Promise.reject(failure.value);
}

/** In time, nothing is reported; afterwards Node.js says `rejectionHandled`. */
export function calmAlarm(alarm: Alarm): void {
  alarm.catch((error: Error) => unhandled?.delete(error));
}

/** The event comes before Node.js prints what ends the process, and changes nothing else. */
function watchTheEnd(): WeakSet<Error> {
  process.on("uncaughtExceptionMonitor", (error, origin) => {
    if (origin !== "unhandledRejection" || debugging || !unhandled?.has(error)) return;
    Reflect.set(error, "stack", `${error.stack}${HINT}`);
  });
  return new WeakSet();
}
