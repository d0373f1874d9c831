import {
  bindElements,
  binder,
  bindValue,
  outOfRange,
  type ParamRules,
  type Place,
  refuse,
  wellFormed,
} from "../../common/params.js";
import { requirePackage } from "../../common/require.js";
import type { Params } from "../../driver.js";

const rules: ParamRules = {
  limit: 65_535,
  named: false,
  text(value, place) {
    if (value.includes("\0")) {
      outOfRange(
        place,
        "holds a NUL character",
        "PostgreSQL cannot store it in text; bind a Buffer for bytea",
      );
    }
    return wellFormed(value, place);
  },
  // PostgreSQL has NaN and the infinities, and numeric columns take any bigint: the server judges.
  number: (value) => value,
  bigint: (value) => value,
  boolean: (value) => value,
  // Encoded by the package, in local time or in UTC as its `parseInputDatesAsUTC` says.
  date: (value) => value,
  array: (value, place) => bindArray(value, place, []),
  object: bindJson,
};

/**
 * Params as `client.query` is to get them: objects are JSON text already, arrays are copied for the package to encode.
 */
export const bind: (params: Params) => Params = binder(rules);

function bindArray(value: readonly unknown[], place: Place, ancestors: readonly unknown[]): unknown[] {
  if (ancestors.includes(value)) refuse(place, "is an array that holds itself", "it has no end");
  const path = [...ancestors, value];
  return bindElements(value, place, { ...rules, array: (inner, at) => bindArray(inner, at, path) });
}

/** Text as the package would make it, but now; a `toPostgres` method is called as the package documents it. */
function bindJson(value: object, place: Place): unknown {
  const custom = typeof (value as Partial<Custom>).toPostgres === "function";
  let encoded: unknown;
  try {
    encoded = custom ? made(value as Custom) : JSON.stringify(value);
  } catch (error) {
    refuse(place, custom ? "fails in its toPostgres" : "cannot be written as JSON", "see `cause`", error);
  }
  if (encoded === undefined)
    refuse(place, "has no JSON text", "its toJSON returned undefined; bind null to store NULL");
  return bindValue(encoded, place, rules);
}

interface Custom {
  toPostgres(prepareValue: (value: unknown) => unknown): unknown;
}

/** An array that it gives is one like any other. */
function made(value: Custom): unknown {
  const given = value.toPostgres(packageEncode);
  return Array.isArray(given) ? given : packageEncode(given);
}

/** The package's own encoder: params are encoded before there is a connection to have loaded it. */
function packageEncode(value: unknown): unknown {
  return (requirePackage("pg/lib/utils.js") as { prepareValue(value: unknown): unknown }).prepareValue(value);
}
