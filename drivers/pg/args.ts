/** The connect arguments, checked once. */
import type { ConnectionOptions } from "node:tls";
import type { ClientConfig } from "pg";
import { InterfaceError } from "../../src/errors.js";
import type { DatabaseName } from "../driver.js";
import { configOf } from "./url.js";

const OF_THE_POOL = "it is an option of the pool, in the argument after this one";

/** What would break a promise of the pool, and what to use instead. */
const REFUSED: Readonly<Record<string, string>> = {
  query_timeout:
    "the answer still comes; use `timeoutMillis` or `statementTimeoutMillis`, which cancel at the server",
  pipeline: "the driver pipelines by itself; the pool's option `pipeline` says how deep",
  binary: "results are read as text",
  Promise: "the pool answers with Deferreds",
  Client: "the pool makes its own",
  connection: "a connection is made for each session",
  replication: "a replication session runs no statements",
  max: OF_THE_POOL,
  min: OF_THE_POOL,
  idleTimeoutMillis: OF_THE_POOL,
};

export function checkArgs(args: readonly unknown[]): readonly [ClientConfig] {
  if (args.length > 1) throw new InterfaceError("pg takes one connect argument: a URL, or an object");
  const [arg] = args;
  if (arg === undefined) return [{}];
  if (typeof arg === "string") return [configOf(arg)];
  if (typeof arg !== "object" || arg === null) {
    throw new InterfaceError("the connect argument of pg must be a URL or an object");
  }
  const { connectionString, ...given } = arg as Record<string, unknown>;
  for (const [key, reason] of Object.entries(REFUSED)) {
    if (given[key]) throw new InterfaceError(`connect argument \`${key}\` is refused: ${reason}`);
  }
  if (given.stream !== undefined && typeof given.stream !== "function") {
    throw new InterfaceError("connect argument `stream` must be a function that makes a new one each time");
  }
  const config = merge(given, typeof connectionString === "string" ? configOf(connectionString) : {});
  if (typeof config.ssl === "object" && config.ssl !== null) config.ssl = copyTls(config.ssl);
  return [config];
}

/** The package's defaults, and those of its environment, where the arguments are silent. */
export function identify([config]: readonly unknown[]): DatabaseName {
  const { env } = process;
  const { host = env.PGHOST ?? "localhost", port = env.PGPORT ?? 5432, ...given } = config as ClientConfig;
  const namespace = given.database ?? env.PGDATABASE ?? given.user ?? env.PGUSER;
  if (host.startsWith("/")) return { system: "postgresql", namespace, address: host };
  return { system: "postgresql", namespace, address: host, port: Number(port) };
}

/** A new object with what both have; the later wins. Nobody who prints it prints the password. */
export function merge(base: ClientConfig, over: ClientConfig): ClientConfig {
  const password = over.password ?? base.password;
  const merged = { ...base, ...over };
  if (password !== undefined) {
    Object.defineProperty(merged, "password", { value: password, enumerable: false });
  }
  return merged;
}

/** pg hides the key from those who print the options, and so from a spread. */
export function copyTls(options: ConnectionOptions): ConnectionOptions {
  return options.key === undefined ? { ...options } : { ...options, key: options.key };
}
