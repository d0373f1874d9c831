/** Checks of connect arguments that both packages share. */
import { InterfaceError } from "../../src/errors.js";
import type { DatabaseName } from "../driver.js";
import { parseUrl } from "./url.js";

export type Args = Record<string, unknown>;

/** What to use in place of an argument that a pool cannot have. */
export const instead = {
  ofPool: "use the pool's own max, min, maxWaiting, acquireTimeoutMillis and idleTimeoutMillis",
  ofReset: "use the pool's resetOnRelease",
  ofInt64: "use the pool's int64",
  ofBinding: "params are bound by the server",
  ofNames: "mark params with ?",
} as const;

/** One object of arguments, or a URL, as an object of our own; a refused key is an `InterfaceError` that says what to use instead. */
export function ownArgs(
  driver: string,
  args: readonly unknown[],
  refused: Readonly<Record<string, string>>,
): Args {
  const [given = {}] = args;
  if (args.length > 1 || (typeof given !== "string" && !isPlain(given))) {
    throw new InterfaceError(`${driver} takes one connect argument: a URL or an object`);
  }
  if (typeof given === "string") return { ...parseUrl(driver, given) };
  for (const key of Object.keys(given)) {
    if (given[key] !== undefined && Object.hasOwn(refused, key)) {
      throw new InterfaceError(`${driver}: the connect argument "${key}" is not for a pool: ${refused[key]}`);
    }
  }
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, copied(value)]));
}

/** The packages' defaults where the arguments are silent. */
export function identify(system: string, [args]: readonly unknown[]): DatabaseName {
  const { host = "localhost", port = 3306, socketPath, database } = args as Partial<Record<string, unknown>>;
  const namespace = typeof database === "string" ? database : undefined;
  if (typeof socketPath === "string") return { system, namespace, address: socketPath };
  return { system, namespace, address: String(host), port: Number(port) };
}

function isPlain(value: unknown): value is Args {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The package writes into some of these (`ssl`), and the caller may change them later. */
function copied(value: unknown): unknown {
  if (Array.isArray(value)) return [...value];
  const plain = isPlain(value) && Object.getPrototypeOf(value) === Object.prototype;
  return plain ? { ...value } : value;
}
