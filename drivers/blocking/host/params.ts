/** Params on their way to the thread. */
import type { Params } from "../../driver.js";

/** Cloning a view clones all of the memory below it: one that shares its memory is copied first. */
export function ownParams(params: Params | undefined): Params | undefined {
  if (params === undefined) return undefined;
  if (Array.isArray(params)) return params.some(shares) ? params.map(owned) : params;
  const entries = Object.entries(params);
  return entries.some(([, value]) => shares(value))
    ? Object.fromEntries(entries.map(([name, value]) => [name, owned(value)]))
    : params;
}

function shares(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength;
}

function owned(value: unknown): unknown {
  return shares(value) ? new Uint8Array(value) : value;
}
