/**
 * The walk over the params of a statement, done once, at the call: what a database would silently alter is refused, and
 * the rest is copied, so that what the caller changes later has no effect. Each driver says in its rules what becomes
 * of a value.
 */
import { types } from "node:util";
import { AdbapiError, DataError, InterfaceError } from "../../src/errors/classes.js";
import type { Params } from "../driver.js";

/** Where a value stands: its index, its name, or its index in the array that stands at `outer`. */
export type Place = number | string | { readonly outer: Place; readonly index: number };

/** What becomes of each kind of value: it is bound as what the rule returns, or the rule refuses it. */
export interface ParamRules {
  /** The most params that one statement can carry. */
  readonly limit: number;
  /** Whether params may be a plain object of names and values. */
  readonly named: boolean;
  text(value: string, place: Place): unknown;
  number(value: number, place: Place): unknown;
  bigint(value: bigint, place: Place): unknown;
  boolean(value: boolean, place: Place): unknown;
  /** Gets a copy, and only a valid one of a year that every database has. */
  date(value: Date, place: Place): unknown;
  array(value: readonly unknown[], place: Place): unknown;
  /** Neither a Date, an array, bytes nor any of those that no driver can bind. */
  object(value: object, place: Place): unknown;
}

/**
 * Up to this size bytes are copied at the call; larger ones are held by reference and must be left alone until the
 * answer.
 */
export const copiedBytes = 4096;

/** Makes a driver's `bind` of its rules. */
export function binder(rules: ParamRules): (params: Params) => Params {
  return (params) => {
    try {
      return Array.isArray(params) && !types.isProxy(params)
        ? bindList(params, rules)
        : bindNames(params as Readonly<Record<string, unknown>>, rules);
    } catch (error) {
      if (error instanceof AdbapiError) throw error;
      throw new InterfaceError(
        "The params cannot be read: a getter or a method of theirs threw; see `cause`",
        {
          cause: error,
        },
      );
    }
  };
}

export function bindValue(value: unknown, place: Place, rules: ParamRules): unknown {
  switch (typeof value) {
    case "string":
      return rules.text(value, place);
    case "number":
      return rules.number(value, place);
    case "object":
      return value === null ? null : bindObject(value, place, rules);
    case "boolean":
      return rules.boolean(value, place);
    case "bigint":
      return rules.bigint(value, place);
    case "undefined":
      return refuse(place, "is undefined", "bind null to store NULL");
    default:
      return refuse(place, `is a ${typeof value}`, "no database has such values");
  }
}

/** The value of each index in order; a hole is refused as one. */
export function bindElements(
  values: readonly unknown[],
  outer: Place | undefined,
  rules: ParamRules,
): unknown[] {
  const place = { outer: outer ?? 0, index: 0 };
  // Pushed one by one, the first value would take room for seventeen: a hundred thousand lists may wait.
  const bound = new Array<unknown>(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    place.index = index;
    const at = outer === undefined ? index : place;
    if (value === undefined && !(index in values))
      refuse(at, "is a hole in the array", "bind null to store NULL");
    bound[index] = bindValue(value, at, rules);
  }
  return bound;
}

/** Text is refused when it is not Unicode: it would be stored with replacement characters. */
export function wellFormed(value: string, place: Place): string {
  if (value.isWellFormed()) return value;
  return refuse(
    place,
    "holds half of a surrogate pair",
    "it is no Unicode text: bind a Buffer for raw bytes",
  );
}

/** Always throws; never shows the value. */
export function refuse(place: Place, fault: string, advice: string, ...cause: readonly [unknown?]): never {
  const details = cause.length > 0 ? { cause: cause[0] } : {};
  throw new InterfaceError(`${nameOf(place)} ${fault}: ${advice}`, details);
}

/** Always throws: the value is of a good kind, and the database cannot hold it. Never shows the value. */
export function outOfRange(place: Place, fault: string, advice: string): never {
  throw new DataError(`${nameOf(place)} ${fault}: ${advice}`);
}

function bindList(params: readonly unknown[], rules: ParamRules): unknown[] {
  if (params.length > rules.limit) tooMany(params.length, rules.limit);
  return bindElements(params, undefined, rules);
}

function bindNames(params: Readonly<Record<string, unknown>>, rules: ParamRules): Record<string, unknown> {
  if (!rules.named) throw new InterfaceError("params must be an array, one value for each placeholder");
  if (!isPlainObject(params)) {
    throw new InterfaceError("params must be an array, or a plain object of names and values");
  }
  const names = Object.keys(params);
  if (names.length > rules.limit) tooMany(names.length, rules.limit);
  // Without a prototype "__proto__" is a name like any other.
  const bound: Record<string, unknown> = Object.create(null);
  for (const name of names) bound[name] = bindValue(params[name], name, rules);
  return bound;
}

function tooMany(count: number, limit: number): never {
  throw new InterfaceError(
    `${count} params are too many: one statement takes ${limit}; split the work, or bind one array where the database has them`,
  );
}

function bindObject(value: object, place: Place, rules: ParamRules): unknown {
  if (types.isProxy(value)) refuse(place, "is a Proxy", "bind the object behind it");
  if (Array.isArray(value)) return rules.array(value, place);
  if (ArrayBuffer.isView(value)) return bindBytes(value, place);
  if (types.isDate(value)) return rules.date(checkedDate(value, place), place);
  const kind = unbindable(value);
  if (kind !== undefined) refuse(place, `is ${kind.is}`, kind.advice);
  return rules.object(value, place);
}

function bindBytes(value: ArrayBufferView, place: Place): Buffer {
  const { buffer, byteOffset, byteLength } = value;
  if (types.isSharedArrayBuffer(buffer)) {
    refuse(place, "is a view of a SharedArrayBuffer", "another thread may change it on the way: bind a copy");
  }
  if (isDetached(buffer))
    refuse(place, "is a view of a detached buffer", "its bytes were transferred elsewhere");
  if (byteLength <= copiedBytes) return Buffer.from(buffer.slice(byteOffset, byteOffset + byteLength));
  return Buffer.isBuffer(value) ? value : Buffer.from(buffer, byteOffset, byteLength);
}

function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

function checkedDate(value: Date, place: Place): Date {
  // Called on the prototype, so that an own or inherited method of the caller's cannot lie.
  const copy = new Date(Date.prototype.getTime.call(value));
  if (Number.isNaN(copy.getTime())) refuse(place, "is an invalid Date", "bind null to store NULL");
  // Drivers send the parts of local or of universal time.
  if (copy.getFullYear() > 9999 || copy.getUTCFullYear() > 9999) {
    refuse(place, "is a Date after the year 9999", "bind it as text if the database can hold it");
  }
  return copy;
}

/** What an object is when no driver can bind it; a package would store `{}`, or its text. */
function unbindable(value: object): { readonly is: string; readonly advice: string } | undefined {
  if (types.isBoxedPrimitive(value)) return { is: "a boxed primitive", advice: "bind the primitive" };
  if (types.isAnyArrayBuffer(value)) {
    return { is: "an ArrayBuffer", advice: "bind a Buffer or a Uint8Array of it" };
  }
  if (types.isMap(value) || types.isSet(value)) {
    return { is: "a Map or Set", advice: "bind Object.fromEntries(…) or [...values]" };
  }
  if (types.isRegExp(value)) return { is: "a RegExp", advice: "bind its `source`" };
  if (types.isNativeError(value)) return { is: "an Error", advice: "bind its `message`" };
  if (types.isPromise(value) || typeof (value as { then?: unknown }).then === "function") {
    return { is: "a promise", advice: "await it first" };
  }
  if (types.isWeakMap(value) || types.isWeakSet(value) || types.isGeneratorObject(value)) {
    return { is: "an object without values of its own", advice: "bind the values" };
  }
  return undefined;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function nameOf(place: Place): string {
  if (typeof place === "number") return `param ${place + 1}`;
  if (typeof place === "string") return `param "${place}"`;
  return `${nameOf(place.outer)}[${place.index}]`;
}
