import { Deferred } from "../defer/index.js";
import type { InteractionTrace } from "../diagnostics/channels.js";
import { InterfaceError } from "../errors/classes.js";
import { checkInteractionOptions, type InteractionOptions } from "../options/call-options.js";
import { adbapiInteraction } from "./inside.js";

type Fn = (face: unknown, ...args: readonly unknown[]) => unknown;

/** The call of a public verb, `([options,] fn, ...args)`: what is to be run, and how it is stopped. */
export class InteractionCall {
  readonly options: InteractionOptions;
  readonly fn: Fn;
  readonly args: readonly unknown[];
  /** What listeners are told of it, while there are any. */
  trace: InteractionTrace | undefined;
  /** What the function gave, when that can be cancelled. */
  #pending: { cancel(): void } | undefined;
  #stopped: unknown;
  #stopWaiting: ((error: unknown) => void) | undefined;

  /** @throws InterfaceError for what is wrong with it */
  constructor(call: readonly unknown[]) {
    const [first, second, ...rest] = call;
    if (typeof first === "function") {
      this.options = {};
      this.fn = first as Fn;
      this.args = call.slice(1);
      return;
    }
    if (typeof second !== "function" || typeof first !== "object" || first === null) {
      throw new InterfaceError(
        "an interaction needs a function: runInteraction([options,] (transaction, ...args) => …, ...args)",
      );
    }
    checkInteractionOptions(first);
    this.options = first;
    this.fn = second as Fn;
    this.args = rest;
  }

  /** Calls the function: fires with what it comes to, unless `stop` comes first. */
  run(face: unknown): Promise<unknown> {
    return this.unlessStopped(adbapiInteraction(() => this.#called(face)));
  }

  /** Waits for work of the function's, unless `stop` comes first. */
  unlessStopped<V>(work: Promise<V>): Promise<V> {
    return new Promise<V>((resolve, reject) => {
      this.#stopWaiting = reject;
      work.then(resolve, reject);
      if (this.#stopped !== undefined) reject(this.#stopped);
    });
  }

  /** Ends the wait, and cancels the Deferred that the function gave. */
  stop(error: unknown): void {
    this.#stopped = error;
    this.#pending?.cancel();
    this.#stopWaiting?.(error);
  }

  #called(face: unknown): unknown {
    const call = () => this.fn(face, ...this.args);
    const value = this.trace?.around === undefined ? call() : this.trace.around(call);
    if (value instanceof Deferred) this.#pending = value;
    return value;
  }
}
