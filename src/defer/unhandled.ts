import { isCancellation } from "./errors.js";
import type { Failure } from "./failure.js";

/** A rejected promise that stands for a failure nobody has handled. */
export type Alarm = Promise<never>;

/**
 * Leaves a failure to Node.js as an unhandled rejection, so that `--unhandled-rejections`, the events of
 * `process` and "when the current work is done" all mean what they mean for promises.
 * Nobody has to handle a cancel: the caller has asked for it.
 */
export function raiseAlarm(failure: Failure): Alarm | undefined {
  return isCancellation(failure.value) ? undefined : Promise.reject(failure.value);
}

/** In time, nothing is reported; afterwards Node.js says `rejectionHandled`. */
export function calmAlarm(alarm: Alarm): void {
  alarm.catch(ignore);
}

function ignore(): void {}
