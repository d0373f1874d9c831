import { InterfaceError } from "../errors/classes.js";

/** Says what is wrong with a value that is not undefined, as the end of "… must be"; undefined when it is good. */
export type OptionCheck = (value: unknown) => string | undefined;

/** The longest time that a timer of Node.js takes; a longer one would fire at once. */
export const longestTimer = 2 ** 31 - 1;

/**
 * Refuses unknown names and bad values, naming the option. Nothing is coerced, and undefined stands for the default.
 * `what` is the kind of option that an error speaks of.
 */
export function checkOptions(
  options: unknown,
  checks: Readonly<Record<string, OptionCheck>>,
  what: string,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InterfaceError(`the ${what}s must be an object`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw new InterfaceError(`unknown ${what} "${name}": known are ${Object.keys(checks).join(", ")}`);
    }
    const value: unknown = options[name as keyof typeof options];
    const fault = value === undefined ? undefined : checks[name]!(value);
    if (fault !== undefined) throw new InterfaceError(`the ${what} "${name}" must be ${fault}`);
  }
}

export const isBoolean: OptionCheck = (value) => (typeof value === "boolean" ? undefined : "true or false");

export const isFunction: OptionCheck = (value) => (typeof value === "function" ? undefined : "a function");

export const isSignal: OptionCheck = (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal");

/** A time in milliseconds that a timer can measure. */
export const isDuration: OptionCheck = (value) =>
  typeof value === "number" && value > 0 && value <= longestTimer
    ? undefined
    : `a number of milliseconds above 0, at most ${longestTimer}`;

/** The same, or Infinity for never. */
export const isDurationOrNever: OptionCheck = (value) =>
  value === Number.POSITIVE_INFINITY || isDuration(value) === undefined
    ? undefined
    : `${isDuration(value)}, or Infinity`;

export const isWholeFrom =
  (least: number): OptionCheck =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? undefined
      : `a whole number, ${least} or more`;

export const isWholeOrUnlimited: OptionCheck = (value) =>
  value === Number.POSITIVE_INFINITY || isWholeFrom(0)(value) === undefined
    ? undefined
    : `${isWholeFrom(0)(value)}, or Infinity`;

export const isOneOf =
  (...values: readonly string[]): OptionCheck =>
  (value) =>
    typeof value === "string" && values.includes(value)
      ? undefined
      : `one of ${values.map((v) => `"${v}"`).join(", ")}`;
