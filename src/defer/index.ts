export { getDebugging, setDebugging } from "./debugging.js";
export { Deferred, type Fired } from "./deferred.js";
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
