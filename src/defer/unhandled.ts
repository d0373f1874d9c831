import { annotate, debugging } from "./debugging.js";
import { isCancellation } from "./errors.js";
import { Failure } from "./failure.js";

/** A rejected promise that stands for a failure that has no handler. */
type Alarm = Promise<never>;

/**
 * What answers for a failure at the end of a chain: an observer that saw this one, Node.js by an alarm, or another
 * piece of work, which fails with it.
 */
export type Answering = Failure | Alarm | "another" | undefined;

const HINT =
  '\n    (no errback, then or await took this failure: setDebugging(true) of "adbapi/defer" shows where its Deferred was made)';

/** The errors of alarms that are not calmed; undefined as long as there was none. */
let unhandled: WeakSet<Error> | undefined;

/** What answers for the failure from now on: Node.js, where nothing did. */
export function answerFor(failure: Failure, chain: object, answering: Answering): Answering {
  const seenOther = answering instanceof Failure && answering !== failure;
  if (answering !== undefined && !seenOther) return answering;
  if (debugging) annotate(failure.value, chain);
  return raiseAlarm(failure);
}

/**
 * What answers once the failure is handled. An alarm is called off: in time, nothing is reported; afterwards Node.js
 * says `rejectionHandled`.
 */
export function calmed(answering: Answering): Answering {
  if (!(answering instanceof Promise)) return answering;
  answering.catch((error: Error) => unhandled?.delete(error));
  return undefined;
}

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

/** The event comes before Node.js prints what ends the process, and changes nothing else. */
function watchTheEnd(): WeakSet<Error> {
  process.on("uncaughtExceptionMonitor", (error, origin) => {
    if (origin !== "unhandledRejection" || debugging || !unhandled?.has(error)) return;
    Reflect.set(error, "stack", `${error.stack}${HINT}`);
  });
  return new WeakSet();
}
