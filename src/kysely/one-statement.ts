/**
 * Frames between the call that wants a connection and the driver: Kysely's own, and Node.js's when the first calls have
 * waited for `init`.
 */
const BETWEEN = /^(?:(?:acquire|provide|provideControlled)Connection|processTicksAndRejections)$/;
/** The methods of its executors that run one statement and give the connection back. */
const ONE_STATEMENT = new Set(["executeQuery", "stream"]);
/** As many as those can be, and the one that asks. */
const FRAMES = 8;

/**
 * Whether Kysely, which is just asking for a connection, wants it for a single statement. It tells its drivers nothing
 * of that, so its call stack is asked, by the names of methods, which minifiers keep. When in doubt: no, and a
 * connection of its own is right for anything.
 */
export function askedForOneStatement(): boolean {
  // Under `--frozen-intrinsics` nothing can be set: then it is not known.
  if (Object.isFrozen(Error)) return false;
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.prepareStackTrace = (_, frames) => frames;
  Error.stackTraceLimit = FRAMES;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, askedForOneStatement);
  const frames = holder.stack as NodeJS.CallSite[];
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  const caller = frames.map((frame) => frame.getFunctionName() ?? "").find((name) => !BETWEEN.test(name));
  return ONE_STATEMENT.has(caller ?? "");
}
