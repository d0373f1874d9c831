/** Checks of connect arguments that both packages share. */
import { InterfaceError } from "../../../src/errors/classes.js";
import { type Args, isObject, type Kinds, ownArguments, socketMaker } from "../../common/arguments.js";
import { ownTls } from "../../common/tls.js";
import { urlText } from "../../common/url.js";
import type { DatabaseName } from "../../driver.js";
import { utf8Name } from "./charset.js";
import { parseUrl } from "./url.js";

/** What to use in place of an argument that a pool cannot have. */
export const instead = {
  ofPool: "use the pool's own max, min, maxWaiting, acquireTimeoutMillis and idleTimeoutMillis",
  ofReset: "use the pool's resetOnRelease",
  ofInt64: "use the pool's int64",
  ofBinding: "params are bound by the server",
  ofNames: "mark params with ?",
  ofUrl: "give the URL itself as the connect argument",
  ofCharset: "give the name of a charset or a collation of utf8mb4",
} as const;

/** What both packages take alike. */
export const COMMON: Kinds = {
  host: ["text"],
  port: ["port"],
  socketPath: ["text"],
  user: ["text"],
  password: ["text"],
  database: ["text"],
  charset: ["text"],
  timezone: ["text"],
  connectTimeout: ["number"],
  connectAttributes: ["false", "textsByName"],
  compress: ["flag"],
  debug: ["flag", "texts"],
  trace: ["flag"],
  multipleStatements: ["flag"],
  jsonStrings: ["flag"],
  stream: ["function"],
  infileStreamFactory: ["function"],
  enableKeepAlive: ["flag"],
  keepAliveInitialDelay: ["number"],
};

/**
 * One object of arguments, or a URL, as an object of our own; a refused key is an `InterfaceError` that says what to
 * use instead.
 */
export function ownArgs(
  driver: "mysql2" | "mariadb",
  args: readonly unknown[],
  refused: Readonly<Record<string, string>>,
  kinds: Kinds,
): Args {
  const [given = {}] = args;
  const url = urlText(given);
  if (args.length > 1 || (url === undefined && !isObject(given))) {
    throw new InterfaceError(`${driver} takes one connect argument: a URL or an object`);
  }
  const own: Args =
    url === undefined
      ? ownArguments(`${driver}: the connect argument`, given as object, kinds)
      : { ...parseUrl(driver, url) };
  for (const key of Object.keys(own)) {
    if (Object.hasOwn(refused, key)) {
      throw new InterfaceError(`${driver}: the connect argument "${key}" is not for a pool: ${refused[key]}`);
    }
  }
  for (const [key, value] of Object.entries(own)) {
    own[key] = key === "ssl" && isObject(value) ? ownTls(driver, value) : copied(value);
  }
  if (typeof own.stream === "function") own.stream = socketMaker(driver, own.stream as () => unknown);
  if (typeof own.charset === "string") own.charset = utf8Name(driver, own.charset);
  return own;
}

/** The packages' defaults where the arguments are silent. */
export function identify(system: string, [args]: readonly unknown[]): DatabaseName {
  const { host = "localhost", port = 3306, socketPath, database } = args as Partial<Record<string, unknown>>;
  const namespace = typeof database === "string" ? database : undefined;
  if (typeof socketPath === "string") return { system, namespace, address: socketPath };
  return { system, namespace, address: String(host), port: Number(port) };
}

/** The package writes into some of these (`ssl`), and the caller may change them later. */
function copied(value: unknown): unknown {
  if (Array.isArray(value)) return [...value];
  const plain = isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
  return plain ? { ...value } : value;
}
