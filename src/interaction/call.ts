import { InterfaceError } from "../errors/classes.js";
import { checkInteractionOptions, type InteractionOptions } from "../options/call-options.js";

/** The call of a public verb, sorted out. */
export interface InteractionCall {
  readonly options: InteractionOptions;
  readonly fn: (face: unknown, ...args: readonly unknown[]) => unknown;
  readonly args: readonly unknown[];
}

/** Sorts out `([options,] fn, ...args)`, and throws an `InterfaceError` for what is wrong with it. */
export function interactionCall(call: readonly unknown[]): InteractionCall {
  const [first, second, ...rest] = call;
  if (typeof first === "function") {
    return { options: {}, fn: first as InteractionCall["fn"], args: call.slice(1) };
  }
  if (typeof second !== "function" || typeof first !== "object" || first === null) {
    throw new InterfaceError(
      "an interaction needs a function: runInteraction([options,] (transaction, ...args) => …, ...args)",
    );
  }
  checkInteractionOptions(first);
  return { options: first, fn: second as InteractionCall["fn"], args: rest };
}
