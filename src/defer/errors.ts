import type { Failure } from "./failure.js";
import { literalNames } from "./inspect.js";

/** The same symbol as `farFromCaller` of the pool's errors: this folder imports nothing from outside. */
const farFromCaller: unique symbol = Symbol.for("adbapi.farFromCaller");

class DeferError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** Arises away from the code that waits: in a timer, in an event, in a `cancel()` of other code. */
class DistantError extends DeferError {
  declare [farFromCaller]: boolean;

  constructor(message: string, cause?: unknown) {
    super(message, cause);
    Object.defineProperty(this, farFromCaller, { value: true, writable: true });
  }
}

export interface CancelDetails {
  /** What led to the cancel: the `reason` of an AbortSignal. */
  readonly cause?: unknown;
  /** What is known of the cancelled work; undefined where that has no meaning. */
  readonly outcome?: "not sent" | "not applied" | "applied" | "unknown" | undefined;
  /** The text of the statement that was cancelled, never its params. */
  readonly sql?: string | undefined;
}

/** `cancel()` was called. It needs no handler: it is never reported as unhandled. */
export class CancelledError extends DistantError {
  readonly outcome: CancelDetails["outcome"];
  readonly sql: string | undefined;

  constructor(message = "cancelled", details: CancelDetails = {}) {
    super(message, details.cause);
    this.outcome = details.outcome;
    this.sql = details.sql;
  }
}

/** `addTimeout` ran out. */
export class TimeoutError extends DistantError {}

/** `callback` or `errback` was called on a Deferred that has been fired before. */
export class AlreadyCalledError extends DeferError {}

/** The first member of a list that failed; its own error is the `cause`. */
export class FirstError extends DistantError {
  readonly subFailure: Failure;
  /** The place of the failed member in the list. */
  readonly index: number;

  constructor(subFailure: Failure, index: number) {
    super(`member ${index} failed: ${subFailure.getErrorMessage()}`, subFailure.value);
    this.subFailure = subFailure;
    this.index = index;
  }
}

/** Where one success was asked for, all have failed. */
export class FailureGroup extends DistantError {
  /** In the order of the list; empty when the list was. */
  readonly failures: readonly Failure[];

  constructor(failures: readonly Failure[]) {
    super(
      failures.length === 0
        ? "an empty list can have no success"
        : `all ${failures.length} failed, the first with: ${failures[0]!.getErrorMessage()}`,
      failures[0]?.value,
    );
    this.failures = failures;
  }
}

/** `put` on a full DeferredQueue. */
export class QueueOverflow extends DeferError {}

/** `get` on a DeferredQueue with as many waiting as its backlog allows. */
export class QueueUnderflow extends DeferError {}

/** A Cooperator, or a task of it, is not in a state for what was asked. */
export class SchedulerError extends DeferError {}

/** The Cooperator was stopped. */
export class SchedulerStopped extends SchedulerError {}

/** The task has come to its end, one way or the other. */
export class TaskFinished extends SchedulerError {}

/** The task's iterator was exhausted. */
export class TaskDone extends TaskFinished {}

/** The task's `stop()` was called. */
export class TaskStopped extends TaskFinished {}

/** The task's iterator threw, or what it waited for failed. */
export class TaskFailed extends TaskFinished {}

/** More `resume()` or `unpause()` than `pause()`. */
export class NotPaused extends SchedulerError {}

literalNames({
  DeferError,
  DistantError,
  CancelledError,
  TimeoutError,
  AlreadyCalledError,
  FirstError,
  FailureGroup,
  QueueOverflow,
  QueueUnderflow,
  SchedulerError,
  SchedulerStopped,
  TaskFinished,
  TaskDone,
  TaskStopped,
  TaskFailed,
  NotPaused,
});

/** Whether all that is behind this error is a cancel. */
export function isCancellation(error: Error): boolean {
  if (error instanceof CancelledError) return true;
  if (error instanceof FirstError) return isCancellation(error.subFailure.value);
  if (error instanceof FailureGroup) {
    return error.failures.length > 0 && error.failures.every(({ value }) => isCancellation(value));
  }
  return false;
}
