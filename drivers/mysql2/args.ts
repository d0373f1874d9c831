/** The connect arguments of mysql2: what a pool cannot have, and what is added. */
import type { ConnectionOptions } from "mysql2";
import type { DriverSettings } from "../driver.js";
import { instead, ownArgs } from "../mysql-family/args.js";

const { ofPool, ofReset, ofInt64, ofBinding, ofNames } = instead;

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
  uri: "give the URL itself as the connect argument",
};

export function checkArgs(args: readonly unknown[]): readonly unknown[] {
  const own = ownArgs("mysql2", args, REFUSED);
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

/** LOAD DATA LOCAL lets a server read files of the client: the server is told that it cannot. */
function withoutLocalFiles(flags: unknown): string[] {
  const given = typeof flags === "string" ? flags.split(",") : Array.isArray(flags) ? flags.map(String) : [];
  return [...given, "-LOCAL_FILES"];
}
