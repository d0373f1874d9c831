/** Params as node:sqlite's calls take them. */
import type { Params } from "../driver.js";
import { exact } from "../sqlite-family/params.js";
import { checkParams, hasNumbers, isNumbered, type Placeholders } from "../sqlite-family/placeholders.js";
import type { Prepared } from "./prepared.js";
import type { DatabaseSync } from "./sqlite.js";

/** Whether a list fills numbered params too; versions before 24.21 take them by name only. */
export function bindsNumbers(db: DatabaseSync): boolean {
  try {
    return db.prepare("select ?1").all(1).length === 1;
  } catch {
    return false;
  }
}

/** Refuses what is missing, for which the package would bind NULL. */
export function callArguments(
  params: Params | undefined,
  { placeholders, signed }: Prepared,
  listsFillNumbers: boolean,
): unknown[] {
  checkParams(params, placeholders);
  if (params === undefined) return [];
  const values = exact(params);
  if (!Array.isArray(values)) return [signed ? withSigns(values, placeholders) : values];
  return listsFillNumbers || !hasNumbers(placeholders) ? values : byNumber(values, placeholders);
}

function withSigns(values: Params, placeholders: Placeholders): Params {
  const named = placeholders.filter((one) => one !== undefined);
  return Object.fromEntries(named.map((one) => [one, (values as Record<string, unknown>)[one.slice(1)]]));
}

function byNumber(values: readonly unknown[], placeholders: Placeholders): unknown[] {
  const numbered = placeholders.flatMap((one, at) => (isNumbered(one) ? [[one, values[at]]] : []));
  const others = values.filter((_, at) => !isNumbered(placeholders[at]));
  return [Object.fromEntries(numbered), ...others];
}
