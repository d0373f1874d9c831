import { binder, outOfRange, type ParamRules, refuse, wellFormed } from "../common/params.js";
import type { Params } from "../driver.js";

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

const rules: ParamRules = {
  limit: 32_766,
  named: true,
  text: wellFormed,
  number(value, place) {
    if (Number.isFinite(value)) return value;
    return refuse(place, `is ${value}`, "SQLite would store something else; bind null or text");
  },
  bigint(value, place) {
    if (value >= minInt64 && value <= maxInt64) return value;
    return outOfRange(place, "is a bigint beyond 64 bits", "SQLite has no such INTEGER: bind it as text");
  },
  boolean: (_value, place) => refuse(place, "is a boolean", "SQLite has none: bind 1 or 0"),
  date: (_value, place) =>
    refuse(place, "is a Date", "SQLite has none: bind date.toISOString() or date.getTime()"),
  array: (_value, place) =>
    refuse(place, "is an array", "SQLite has none: bind JSON.stringify(…) and use json_each(?)"),
  object: (_value, place) =>
    refuse(place, "is an object", "bind JSON.stringify(…), or name the params in one plain object"),
};

/** Params ready for the thread, which binds them with `exact`. */
export const bind: (params: Params) => Params = binder(rules);

/**
 * In the thread, which has its own copy of the params. The packages bind every number as REAL and every bigint as
 * INTEGER: `5 / ?` with 2 would be 2.5, and TEXT would keep "1.0".
 */
export function exact<P extends Params>(params: P): P {
  if (Array.isArray(params)) exactList(params);
  else {
    const values = params as Record<string, unknown>;
    for (const name of Object.keys(values)) values[name] = exactValue(values[name]);
  }
  return params;
}

function exactList(values: unknown[]): void {
  for (let at = 0; at < values.length; at++) values[at] = exactValue(values[at]);
}

function exactValue(value: unknown): unknown {
  const whole = typeof value === "number" && Number.isInteger(value);
  return whole && value >= -(2 ** 63) && value < 2 ** 63 ? BigInt(value) : value;
}
