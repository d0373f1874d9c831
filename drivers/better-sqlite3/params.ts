import type { Params } from "../driver.js";

export function bind(params: Params): Params {
  return Array.isArray(params)
    ? params.map(whole)
    : Object.fromEntries(Object.entries(params).map(([k, v]) => [k, whole(v)]));
}

function whole(value: unknown): unknown {
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}
