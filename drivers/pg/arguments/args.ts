/** The connect arguments, checked once. */
import type { ClientConfig } from "pg";
import { InterfaceError } from "../../../src/errors/classes.js";
import {
  type Args,
  hide,
  isObject,
  type Kinds,
  merged,
  ownArguments,
  passwordMaker,
  socketMaker,
} from "../../common/arguments.js";
import { ownTls, sealed } from "../../common/tls.js";
import { urlText } from "../../common/url.js";
import type { DatabaseName } from "../../driver.js";
import { agreed, checkingName, type Ssl } from "./ssl.js";
import { configOf } from "./url.js";

const OF_THE_POOL = "it is an option of the pool, in the argument after this one";
const IN_URLS = "pg reads it in URLs alone; give `ssl`, true or an object of TLS options";

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
  sslmode: IN_URLS,
  sslcert: IN_URLS,
  sslkey: IN_URLS,
  sslrootcert: IN_URLS,
};

const TYPES: Kinds = {
  user: ["text"],
  database: ["text"],
  password: ["text", "function"],
  host: ["text"],
  port: ["port"],
  connectionString: ["any"],
  ssl: ["flag", "object"],
  sslnegotiation: ["text"],
  enableChannelBinding: ["flag"],
  scramMaxIterations: ["number"],
  keepAlive: ["flag"],
  keepAliveInitialDelayMillis: ["number"],
  connectionTimeoutMillis: ["number"],
  statement_timeout: ["false", "number"],
  lock_timeout: ["false", "number"],
  idle_in_transaction_session_timeout: ["false", "number"],
  application_name: ["text"],
  fallback_application_name: ["text"],
  client_encoding: ["text"],
  options: ["text"],
  types: ["object"],
  stream: ["function"],
};

export function checkArgs(args: readonly unknown[]): readonly [ClientConfig] {
  if (args.length > 1) throw new InterfaceError("pg takes one connect argument: a URL, or an object");
  const [arg] = args;
  if (arg === undefined) return [{}];
  const url = urlText(arg);
  if (url !== undefined) return [configOf(url)];
  if (!isObject(arg)) {
    throw new InterfaceError("the connect argument of pg must be a URL or an object");
  }
  const { connectionString, ...given } = ownArguments("pg: the connect argument", arg, TYPES);
  for (const [key, reason] of Object.entries(REFUSED)) {
    if (given[key]) throw new InterfaceError(`connect argument \`${key}\` is refused: ${reason}`);
  }
  if (isObject(given.types) && !("getTypeParser" in given.types)) {
    throw new InterfaceError("connect argument `types` must have a function getTypeParser");
  }
  if (typeof given.client_encoding === "string" && !/^(?:utf-?8)?$/i.test(given.client_encoding)) {
    throw new InterfaceError("connect argument `client_encoding` must be utf8: pg reads nothing else");
  }
  return [withUrl(given, connectionString)];
}

/** What a URL says counts, as in pg; what it says of TLS is added to `ssl`. */
function withUrl(given: Args, connectionString: unknown): ClientConfig {
  const url = urlText(connectionString);
  if (url === undefined && connectionString !== undefined) {
    throw new InterfaceError("connect argument `connectionString` must be a URL");
  }
  const parsed = url === undefined ? {} : configOf(url);
  const config = merged<Args>(given, parsed);
  const own = isObject(given.ssl) ? ownTls("pg", given.ssl) : (given.ssl as Ssl);
  const ssl = agreed(own, parsed.ssl);
  if (ssl !== undefined) config.ssl = isObject(ssl) ? sealed("pg", checkingName(ssl)) : ssl;
  // pg would look for one in its environment.
  if (config.password === "") config.password = () => "";
  else if (typeof config.password === "function")
    config.password = passwordMaker(config.password as () => unknown);
  if (typeof config.stream === "function") config.stream = socketMaker("pg", config.stream as () => unknown);
  hide(config, ["password"]);
  return config;
}

/** The package's defaults, and those of its environment, where the arguments are silent. */
export function identify([config]: readonly unknown[]): DatabaseName {
  const { env } = process;
  const { host = env.PGHOST ?? "localhost", port = env.PGPORT ?? 5432, ...given } = config as ClientConfig;
  const namespace = given.database ?? env.PGDATABASE ?? given.user ?? env.PGUSER;
  if (host.startsWith("/")) return { system: "postgresql", namespace, address: host };
  return { system: "postgresql", namespace, address: host, port: Number(port) };
}
