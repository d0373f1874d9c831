/** Knowing that a call comes from inside of a function that the pool waits for: it must not wait for that function. */
import { AsyncLocalStorage } from "node:async_hooks";
import { isGeneratorObject } from "node:util/types";
import { InterfaceError } from "../errors/classes.js";

/** A function that is running, and the one around it. */
interface Scope {
  readonly frame: Frame;
  readonly around: Scope | undefined;
  over: boolean;
}

type Frame = typeof adbapiInteraction | typeof adbapiNested;

/**
 * Whether the engine itself hands the context of a call on: V8 as Node.js has it since 24, and JavaScriptCore and V8 as
 * Bun and Deno have them, which give such a version too. Before, AsyncLocalStorage slows down every promise there is.
 */
const KEPT_BY_ENGINE = Number.parseInt(process.versions.node, 10) >= 24;

/**
 * Before, V8 can tell, without any cost on the way in, which async functions wait for the running one, and these two
 * frames are ours. They are methods, since minifiers keep the names of those.
 */
const frames = {
  async adbapiInteraction<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return await (KEPT_BY_ENGINE ? scoped(adbapiInteraction, fn) : answerOf(fn()));
  },
  async adbapiNested<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return await (KEPT_BY_ENGINE ? scoped(adbapiNested, fn) : answerOf(fn()));
  },
};

/** A generator that was not run would be committed with nothing done. */
function answerOf<A>(answer: A): A {
  if (!isGeneratorObject(answer)) return answer;
  throw new InterfaceError(
    "the function gave a generator, of which nothing has run: wrap it in inlineCallbacks(…), or make it an async function",
  );
}

export const { adbapiInteraction, adbapiNested } = frames;

/**
 * On Node.js 20 and 22 only as good as async stack traces are: a caller that goes through timers, events or plain
 * callbacks is not recognized, nor one that asks before the function that returned its promise has handed that on.
 */
export function calledInside(frame: Frame): boolean {
  if (!KEPT_BY_ENGINE) return inStack(frame);
  for (let scope = scopes.getStore(); scope !== undefined; scope = scope.around)
    if (scope.frame === frame && !scope.over) return true;
  return false;
}

function inStack(frame: Frame): boolean {
  const { stackTraceLimit } = Error;
  // Where intrinsics are frozen it cannot be set, and the ten frames that there are have to do.
  Reflect.set(Error, "stackTraceLimit", 200);
  const { stack = "" } = new Error();
  Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
  return stack.includes(`${frame.name} (`);
}

const scopes = new AsyncLocalStorage<Scope>();

async function scoped<T>(frame: Frame, fn: () => T | PromiseLike<T>): Promise<T> {
  const scope: Scope = { frame, around: scopes.getStore(), over: false };
  try {
    return await answerOf(scopes.run(scope, fn));
  } finally {
    scope.over = true;
  }
}
