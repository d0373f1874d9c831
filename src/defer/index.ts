/// <reference types="node" preserve="true" />
export type { CooperativeTask, Steps } from "./cooperative-task.js";
export { Cooperator, type CooperatorOptions, coiterate, cooperate } from "./cooperator.js";
export { getDebugging, setDebugging } from "./debugging.js";
export { Deferred, type Fired } from "./deferred.js";
export {
  DeferredList,
  type DeferredListOptions,
  type DeferredListResult,
  gatherResults,
} from "./deferred-list.js";
export {
  AlreadyCalledError,
  type CancelDetails,
  CancelledError,
  FailureGroup,
  FirstError,
  NotPaused,
  QueueOverflow,
  QueueUnderflow,
  SchedulerError,
  SchedulerStopped,
  TaskDone,
  TaskFailed,
  TaskFinished,
  TaskStopped,
  TimeoutError,
} from "./errors.js";
export { type ErrorClass, Failure } from "./failure.js";
export { deferLater, execute, fail, maybeDeferred, succeed } from "./functions.js";
export { inlineCallbacks } from "./inline-callbacks.js";
export { DeferredLock, DeferredQueue, DeferredSemaphore, type Held } from "./primitives.js";
export { race } from "./race.js";
