import { inspect, types } from "node:util";

/** A class of errors, as `check` and `trap` take them. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** An error on its way down the errback side of a Deferred. */
export class Failure {
  /** Always an Error: anything else that was thrown is wrapped, and kept as its `cause`. */
  readonly value: Error;

  constructor(value: unknown) {
    this.value = toError(value);
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

  getErrorMessage(): string {
    return this.value.message;
  }

  /** The error's stack with all of its causes, as Node.js prints them. */
  getTraceback(): string {
    return inspect(this.value);
  }
}

function toError(value: unknown): Error {
  if (value instanceof Error || types.isNativeError(value)) return value;
  if (value instanceof Failure) return value.value;
  return new Error(`something other than an Error was thrown: ${shown(value)}`, { cause: value });
}

function shown(value: unknown): string {
  try {
    return inspect(value, { depth: 0, customInspect: false });
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}
