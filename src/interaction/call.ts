import { InterfaceError } from "../errors/classes.js";
import type { InteractionOptions } from "../options/call-options.js";

type Fn = (...args: never[]) => unknown;

/** Sorts out `([options,] fn, ...args)`. */
export function interactionCall(call: readonly unknown[]): {
  readonly options: InteractionOptions | undefined;
  readonly fn: Fn;
  readonly args: readonly unknown[];
} {
  const [first, second, ...rest] = call;
  if (typeof first === "function") return { options: undefined, fn: first as Fn, args: call.slice(1) };
  if (typeof second !== "function" || typeof first !== "object" || first === null) {
    throw new InterfaceError(
      "an interaction needs a function: runInteraction([options,] (transaction, ...args) => …, ...args)",
    );
  }
  return { options: first as InteractionOptions, fn: second as Fn, args: rest };
}
