/**
 * Connect arguments as an object of our own: nothing hidden or inherited is lost on the way, and nothing passes that
 * would end the process later.
 */
import { InterfaceError } from "../../src/errors/classes.js";

/** What a package takes for an argument. null and undefined mean "not given": they are left out. */
const KINDS = {
  any: ["anything", () => true],
  text: ["a string", isText],
  flag: ["true or false", (value) => typeof value === "boolean"],
  false: ["false", (value) => value === false],
  number: ["a number from 0", (value) => Number.isFinite(value) && (value as number) >= 0],
  whole: ["a whole number from 0", (value) => Number.isSafeInteger(value) && (value as number) >= 0],
  count: ["a whole number from 1", (value) => Number.isSafeInteger(value) && (value as number) >= 1],
  port: ["a port number", isPort],
  function: ["a function", (value) => typeof value === "function"],
  object: ["an object", isObject],
  texts: ["an array of strings", (value) => Array.isArray(value) && value.every(isText)],
  textsByName: ["an object of strings", (value) => isObject(value) && Object.values(value).every(isText)],
  bytes: ["a Buffer", (value) => value instanceof Uint8Array],
} as const satisfies Record<string, readonly [name: string, is: (value: unknown) => boolean]>;

export type Kinds = Readonly<Record<string, readonly (keyof typeof KINDS)[]>>;

export type Args = Record<string, unknown>;

/**
 * A copy of what `given` has of its own, hidden or not, and of what it inherits by a name that is in `kinds`: getters
 * of a class. The values are the same. Throws an `InterfaceError` for one of the wrong type, without the value; `what`
 * they are is said in it.
 */
export function ownArguments(what: string, given: object, kinds: Kinds): Args {
  if (!mayHold(given, kinds)) {
    const some = Object.keys(kinds).slice(0, 3).join(", ");
    throw new InterfaceError(
      `${what}s must be properties of an object (${some}, …); what was given is a ${kindOf(given)}`,
    );
  }
  const entries: [string, unknown][] = [];
  for (const name of new Set([...Object.getOwnPropertyNames(given), ...Object.keys(kinds)])) {
    const value = propertyOf(given, name);
    if (value === undefined || value === null) continue;
    if (Object.hasOwn(kinds, name)) check(`${what} "${name}"`, value, kinds[name]!);
    entries.push([name, value]);
  }
  return Object.fromEntries(entries);
}

/** A new object with what all have, hidden properties too; of two of one name the later counts. */
export function merged<T extends object>(...parts: readonly object[]): T {
  return Object.defineProperties({} as T, Object.assign({}, ...parts.map(Object.getOwnPropertyDescriptors)));
}

/** Printing the object does not show them. A spread loses them from now on: `merged` does not. */
export function hide(object: object, names: readonly string[]): void {
  for (const name of names) {
    if (Object.hasOwn(object, name)) Object.defineProperty(object, name, { enumerable: false });
  }
}

/** A promise of arguments, a Map or a boxed string would be taken for none at all. */
export function mayHold(given: object, kinds: Kinds): boolean {
  const kind = Object.getPrototypeOf(given) as object | null;
  return kind === null || kind === Object.prototype || Object.keys(kinds).some((name) => name in given);
}

export function kindOf(given: object): string {
  return String(given.constructor?.name);
}

type Ready = (error: unknown, made: unknown) => void;

/**
 * The argument `stream`, a function that makes a socket: what is none is an `InterfaceError`, before a package takes it
 * for one. mariadb's may call back with it instead.
 */
export function socketMaker(driver: string, make: (...args: unknown[]) => unknown) {
  const fault = (made: unknown) =>
    isObject(made) && "destroy" in made && "on" in made
      ? null
      : new InterfaceError(`${driver}: the connect argument "stream" must make a socket`);
  return (...args: unknown[]): unknown => {
    const [ready] = args as [Ready];
    const calledBack = driver === "mariadb";
    const made = calledBack
      ? make((error: unknown, late: unknown) => {
          const wrong = error || fault(late);
          ready(wrong, wrong ? undefined : late);
        })
      : make(...args);
    const wrong = calledBack && made === undefined ? null : fault(made);
    if (wrong !== null) throw wrong;
    return made;
  };
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A method of a class may need its object. */
function propertyOf(given: object, name: string): unknown {
  const value = (given as Args)[name];
  return typeof value === "function" && !Object.hasOwn(given, name) ? value.bind(given) : value;
}

function check(what: string, value: unknown, allowed: Kinds[string]): void {
  if (!allowed.some((kind) => KINDS[kind][1](value))) {
    const wanted = allowed.map((kind) => KINDS[kind][0]).join(", or ");
    const type = Array.isArray(value) ? "array" : typeof value;
    throw new InterfaceError(`${what} must be ${wanted}; what was given is of type ${type}`);
  }
  const fault = typeof value === "string" ? faultOf(value) : undefined;
  if (fault !== undefined) throw new InterfaceError(`${what} ${fault}`);
}

/** What the server would read as another text, if anything. */
function faultOf(text: string): string | undefined {
  // At the server a NUL ends a text: what follows would be read as something else.
  if (text.includes("\0")) return "contains a NUL character";
  return text.isWellFormed() ? undefined : "holds half of a surrogate pair: it is no Unicode text";
}

/**
 * A function that gives a password, each time a connection is opened; what is none fails that connect, and is not
 * repeated.
 */
export function passwordMaker(make: () => unknown): () => Promise<string> {
  return async () => {
    const password = await make();
    const fault =
      typeof password === "string" ? faultOf(password) : `is no string, but of type ${typeof password}`;
    if (fault !== undefined) throw new TypeError(`the function for the password: what it gave ${fault}`);
    return password as string;
  };
}

/** Environments have it as text. */
function isPort(value: unknown): boolean {
  const port = typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 65_535;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
