/** The connect arguments of mysql2: what a pool cannot have, and what is added. */
import type { ConnectionOptions } from "mysql2";
import { InterfaceError } from "../../src/errors/classes.js";
import { hide, isObject, type Kinds } from "../common/arguments.js";
import { TLS_SECRETS } from "../common/tls.js";
import type { DriverSettings } from "../driver.js";
import { COMMON, instead, ownArgs } from "../mysql-family/arguments/args.js";
import { isOffset, unknownZone } from "../mysql-family/arguments/timezone.js";

const { ofPool, ofReset, ofInt64, ofBinding, ofNames, ofUrl, ofCharset } = instead;

const REFUSED: Readonly<Record<string, string>> = {
  connectionLimit: ofPool,
  maxIdle: ofPool,
  idleTimeout: ofPool,
  queueLimit: ofPool,
  waitForConnections: ofPool,
  pool: ofPool,
  resetOnRelease: ofReset,
  rowsAsArray: "use a statement's rowMode",
  nestTables: "give the columns names of their own, with AS",
  namedPlaceholders: ofNames,
  queryFormat: ofBinding,
  stringifyObjects: ofBinding,
  supportBigNumbers: ofInt64,
  bigNumberStrings: ofInt64,
  isServer: "a pool has clients alone",
  uri: ofUrl,
  url: ofUrl,
  connectionString: ofUrl,
  charsetNumber: ofCharset,
};

const KINDS: Kinds = {
  ...COMMON,
  ssl: ["false", "object", "text"],
  password1: ["text"],
  password2: ["text"],
  password3: ["text"],
  passwordSha1: ["bytes"],
  authPlugins: ["object"],
  authSwitchHandler: ["function"],
  enableCleartextPlugin: ["flag"],
  insecureAuth: ["flag"],
  localAddress: ["text"],
  flags: ["text", "texts"],
  dateStrings: ["flag", "texts"],
  decimalNumbers: ["flag"],
  typeCast: ["flag", "function"],
  disableEval: ["flag"],
  gracefulEnd: ["flag"],
  // For another kind mysql2 throws once it has a socket, which would then stay open.
  maxPreparedStatements: ["count"],
};

/** What mysql2 reads of TLS options. Others it drops without a word. */
const TLS = new Set([
  ...["ca", "cert", "key", "passphrase", "ciphers", "minVersion", "maxVersion"],
  ...["rejectUnauthorized", "verifyIdentity"],
]);

export function checkArgs(args: readonly unknown[]): readonly unknown[] {
  const own = ownArgs("mysql2", args, REFUSED, KINDS);
  if (isObject(own.ssl)) checkTls(own.ssl);
  if (typeof own.timezone === "string") own.timezone = zoneOf(own.timezone);
  own.maxPreparedStatements ??= 100;
  if (own.infileStreamFactory === undefined) own.flags = withoutLocalFiles(own.flags);
  return [own];
}

/** What one connection gets: the arguments as they were checked, and how 64-bit integers shall come. */
export function connectionArgs(args: readonly unknown[], int64: DriverSettings["int64"]): ConnectionOptions {
  return {
    ...(args[0] as ConnectionOptions),
    supportBigNumbers: true,
    bigNumberStrings: int64 === "string" || int64 === "bigint",
  };
}

function checkTls(ssl: object): void {
  const dropped = Object.keys(ssl).find((name) => !TLS.has(name));
  if (dropped !== undefined) {
    throw new InterfaceError(
      `mysql2 has no TLS option ${JSON.stringify(dropped)}: it reads ${[...TLS].join(", ")}`,
    );
  }
  // Its connections show them otherwise, and read them all the same.
  hide(ssl, TLS_SECRETS);
}

/** Any other it would take for UTC. */
function zoneOf(zone: string): string {
  if (zone === "UTC") return "Z";
  if (zone === "local" || zone === "Z" || isOffset(zone)) return zone;
  throw unknownZone("mysql2", '"local", "Z" or an offset such as "+05:30"');
}

/** LOAD DATA LOCAL lets a server read files of the client: the server is told that it cannot. */
function withoutLocalFiles(flags: unknown): string[] {
  const given = typeof flags === "string" ? flags.split(",") : Array.isArray(flags) ? flags.map(String) : [];
  return [...given, "-LOCAL_FILES"];
}
