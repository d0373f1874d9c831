import type { Driver } from "../drivers/driver.js";

/** The connect arguments as a list that nobody else can change. */
export function argumentsOf(driver: Driver, connectArgs: unknown): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(connectArgs) ? [...connectArgs] : [connectArgs];
  return driver.checkArgs?.(list) ?? list.map(copied);
}

/** Plain objects and arrays are copied, all the way down; sockets, functions and buffers are the driver's business. */
function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copied(inner)]));
}
