import { inspect, types } from "node:util";
import { INSPECT, type Inspect, type InspectOptions } from "./inspect.js";

/** A class of errors, as `check` and `trap` take them. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** An error on its way down the errback side of a Deferred. */
export class Failure {
  /** Always an Error: anything else that was thrown is wrapped, and kept as its `cause`. */
  readonly value: Error;

  constructor(value: unknown) {
    this.value = toError(value);
  }

  /** The Failure that was thrown, or one for the error. @internal */
  static of(thrown: unknown): Failure {
    return isInstance(thrown, Failure) ? thrown : new Failure(thrown);
  }

  /** The first of these classes that the error is an instance of, or undefined. */
  check<C extends ErrorClass>(...classes: C[]): C | undefined {
    return classes.find((each) => this.value instanceof each);
  }

  /** As `check`; but an error of none of these classes is thrown on, down the errback chain. */
  trap<C extends ErrorClass>(...classes: C[]): C {
    const match = this.check(...classes);
    if (match === undefined) throw this.value;
    return match;
  }

  /** For `console.log`: the error, with its stack and causes. @internal */
  [INSPECT](_depth: number, options: InspectOptions, inspect: Inspect): string {
    return `Failure { ${inspect(this.value, options)} }`;
  }

  getErrorMessage(): string {
    return this.value.message;
  }

  /** The error's stack with all of its causes, as Node.js prints them. */
  getTraceback(): string {
    return inspect(this.value);
  }
}

function toError(value: unknown): Error {
  if (isInstance(value, Error) || types.isNativeError(value)) return value;
  if (isInstance(value, Failure)) return value.value;
  return new Error(`something other than an Error was thrown: ${shown(value)}`, { cause: value });
}

/** As `instanceof`, for anything that can be thrown: a Proxy may throw when it is asked for its prototype. */
function isInstance<C extends abstract new (...args: never[]) => object>(
  value: unknown,
  type: C,
): value is InstanceType<C> {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

function shown(value: unknown): string {
  try {
    return inspect(value, { depth: 0, customInspect: false });
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}
