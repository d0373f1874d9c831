import { debugging, repeatNote } from "./debugging.js";
import type { Failure } from "./failure.js";
import type { Link, Observer } from "./observer.js";

/** The same symbol as `farFromCaller` of the pool's errors: this folder imports nothing from outside. */
const farFromCaller: unique symbol = Symbol.for("adbapi.farFromCaller");

let newestResolve: (value: unknown) => void;
let newestReject: (error: unknown) => void;

/** One executor for all: a closure for each promise would cost more than the promise. */
function executor(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  newestResolve = resolve;
  newestReject = reject;
}

/** Settles a native promise with the result at its place in a chain, as a link of that, which costs one object less. */
export class Settlement implements Observer<never>, Link<never> {
  readonly onValue = this;
  readonly onFailure = this;
  next: Link<never> | undefined = undefined;
  readonly promise = new Promise<unknown>(executor);
  readonly #resolve = newestResolve;
  readonly #reject = newestReject;

  observe(result: unknown, failed: boolean): undefined {
    if (!failed) return this.#resolve(result) as undefined;
    const error = (result as Failure).value;
    if (isFarFromCaller(error)) this.#resolve(bringNear(error));
    else this.#reject(error);
  }
}

export function isFarFromCaller(error: Error): boolean {
  return (error as { [farFromCaller]?: boolean } | undefined)?.[farFromCaller] === true;
}

/**
 * Rejects with this error, once its stack leads to the lines that wait for the promise.
 * V8 finds those lines from the reaction that it is running: so the capture has to be one reaction away from
 * the promise that is awaited, and one later than the microtask by which that promise adopts this one.
 */
function bringNear(error: Error): Promise<never> {
  return Promise.reject(error).catch(again).catch(recapture);
}

function again(error: Error): never {
  throw error;
}

/** Gives the error the stack of its present catcher, this once, and throws it on. */
export function recapture(error: Error): never {
  if (isFarFromCaller(error) && !Object.isFrozen(error)) {
    (error as { [farFromCaller]?: boolean })[farFromCaller] = false;
    // Where no async function waits, the stack that it has says more than none.
    if (hasFrames()) {
      Error.captureStackTrace(error, recapture);
      if (debugging) repeatNote(error);
    }
  }
  throw error;
}

/** Whether it leads to any line that is not the engine's own. */
function hasFrames(): boolean {
  const probe: { stack?: string } = {};
  Error.captureStackTrace(probe, recapture);
  return String(probe.stack)
    .split("\n")
    .some((line) => line.startsWith("    at ") && !ENGINE.test(line));
}

const ENGINE = /processTicksAndRejections|\b(?:node|native|ext):|<anonymous>\)?$/;
