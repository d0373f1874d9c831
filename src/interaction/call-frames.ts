import { isGeneratorObject } from "node:util/types";
import { InterfaceError } from "../errors/classes.js";

/**
 * Knowing, without any cost on the way in, that a call comes from inside of a function that we wait for: V8 can tell
 * which async functions wait for the running one, and these two frames are ours. They are methods, since minifiers keep
 * the names of those.
 */
const frames = {
  async adbapiInteraction<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return await answerOf(fn());
  },
  async adbapiNested<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return await answerOf(fn());
  },
};

/** A generator that nobody runs would be committed with nothing done. */
function answerOf<A>(answer: A): A {
  if (!isGeneratorObject(answer)) return answer;
  throw new InterfaceError(
    "the function gave a generator, of which nothing has run: wrap it in inlineCallbacks(…), or make it an async function",
  );
}

export const { adbapiInteraction, adbapiNested } = frames;

/**
 * Only as good as async stack traces are: a caller that goes through timers, events or plain callbacks is not
 * recognized.
 */
export function calledInside(frame: typeof adbapiInteraction | typeof adbapiNested): boolean {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 200;
  const { stack = "" } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return stack.includes(`${frame.name} (`);
}
