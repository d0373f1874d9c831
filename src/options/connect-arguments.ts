import type { Driver } from "../../drivers/driver.js";

/** The connect arguments as a list of our own, which the caller cannot change. */
export function argumentsOf(driver: Driver, connectArgs: unknown): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(connectArgs) ? [...connectArgs] : [connectArgs];
  return driver.checkArgs?.(list) ?? list.map(copied);
}

/**
 * Plain objects and arrays are copied, all the way down, and what is hidden stays so; sockets, functions and buffers
 * are the driver's business.
 */
function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  const own = Object.entries(Object.getOwnPropertyDescriptors(value));
  const properties = own.map(([name, { enumerable = false }]) => {
    const inner = copied(value[name as keyof typeof value]);
    return [name, { value: inner, enumerable, writable: true, configurable: true }] as const;
  });
  return Object.defineProperties({}, Object.fromEntries(properties));
}
