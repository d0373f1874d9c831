/** The connect arguments of mariadb: what a pool cannot have, and what is added. */

import type { ConnectionConfig } from "mariadb";
import { isObject, type Kinds } from "../common/arguments.js";
import { sealed } from "../common/tls.js";
import type { DriverSettings } from "../driver.js";
import { COMMON, instead, ownArgs } from "../mysql-family/arguments/args.js";
import { utf8Name } from "../mysql-family/arguments/charset.js";
import { isOffset, isZoneName, unknownZone } from "../mysql-family/arguments/timezone.js";

const { ofPool, ofReset, ofInt64, ofBinding, ofNames, ofUrl, ofCharset } = instead;
const ofColumns = "use a statement's rowMode, or give the columns names of their own, with AS";
const ofResult = "results come in the pool's own form";

const REFUSED: Readonly<Record<string, string>> = {
  connectionLimit: ofPool,
  acquireTimeout: ofPool,
  idleTimeout: ofPool,
  minimumIdle: ofPool,
  initializationTimeout: ofPool,
  minDelayValidation: ofPool,
  noControlAfterUse: ofPool,
  leakDetectionTimeout: "use the pool's leakDetectionMillis",
  resetAfterUse: ofReset,
  socketTimeout: "use statementTimeoutMillis",
  rowsAsArray: ofColumns,
  nestTables: ofColumns,
  checkDuplicate: ofColumns,
  namedPlaceholders: ofNames,
  permitSetMultiParamEntries: ofBinding,
  arrayParenthesis: ofBinding,
  metaAsArray: ofResult,
  metaEnumerable: ofResult,
  fullResult: ofResult,
  bigIntAsNumber: ofInt64,
  insertIdAsNumber: ofInt64,
  checkNumberRange: ofInt64,
  supportBigNumbers: ofInt64,
  bigNumberStrings: ofInt64,
  uri: ofUrl,
  url: ofUrl,
  connectionString: ofUrl,
  charsetNumber: ofCharset,
};

const KINDS: Kinds = {
  ...COMMON,
  ssl: ["flag", "object"],
  collation: ["text"],
  dateStrings: ["flag"],
  keepEof: ["flag"],
  foundRows: ["flag"],
  debugCompress: ["flag"],
  debugLen: ["number"],
  logParam: ["flag"],
  logger: ["function", "object"],
  initSql: ["text", "texts"],
  sessionVariables: ["object"],
  rsaPublicKey: ["text"],
  cachingRsaPublicKey: ["text"],
  allowPublicKeyRetrieval: ["flag"],
  restrictedAuth: ["text", "texts"],
  permitConnectionWhenExpired: ["flag"],
  permitLocalInfile: ["flag"],
  permitRedirect: ["flag"],
  forceVersionCheck: ["flag"],
  maxAllowedPacket: ["count"],
  maxAllowedColumns: ["count"],
  pipelining: ["flag"],
  bulk: ["flag"],
  queryTimeout: ["number"],
  keepAliveDelay: ["number"],
  autoJsonMap: ["flag"],
  bitOneIsBoolean: ["flag"],
  decimalAsNumber: ["flag"],
  typeCast: ["flag", "function"],
  prepareCacheLength: ["whole"],
};

export function checkArgs(args: readonly unknown[]): readonly unknown[] {
  const own = ownArgs("mariadb", args, REFUSED, KINDS);
  if (isObject(own.ssl)) own.ssl = sealed("mariadb", own.ssl);
  if (typeof own.timezone === "string") checkZone(own.timezone);
  // The name of a collation is taken from `collation` alone, and forgotten beside a charset.
  const collation = own.collation ?? (String(own.charset).includes("_") ? own.charset : undefined);
  if (typeof collation === "string") {
    own.collation = utf8Name("mariadb", collation);
    delete own.charset;
  }
  own.prepareCacheLength ??= 100;
  own.permitRedirect ??= false;
  return [own];
}

const INT64: Readonly<Record<DriverSettings["int64"], Partial<ConnectionConfig>>> = {
  driver: {},
  bigint: {},
  string: { supportBigNumbers: true, bigNumberStrings: true },
  number: { bigIntAsNumber: true, checkNumberRange: true },
};

/** What one connection gets: the arguments as they were checked, and how 64-bit integers shall come. */
export function connectionArgs(args: readonly unknown[], int64: DriverSettings["int64"]): ConnectionConfig {
  return {
    ...(args[0] as ConnectionConfig),
    ...INT64[int64],
    ...named(args[0] as ConnectionConfig),
    checkDuplicate: false,
    logParam: false,
    trace: false,
  };
}

/**
 * Node.js has to be told whose certificate it is to check: it does not take the address of a socket for that.
 */
function named({ ssl, host, socketPath }: ConnectionConfig): Pick<ConnectionConfig, "ssl"> {
  if (!ssl || socketPath) return {};
  return { ssl: { host: host ?? "localhost", ...(ssl === true ? {} : ssl) } as object };
}

/** The package makes the session's time zone of it, and of some another. */
function checkZone(zone: string): void {
  if (["local", "auto", "Z", "SYSTEM"].includes(zone) || isOffset(zone)) return;
  const wholeHours = /^(?:Etc\/)?GMT[+-](?:\d|1[0-4])$/;
  if (zone.includes("GMT") ? zone === "Etc/GMT" || wholeHours.test(zone) : isZoneName(zone)) return;
  throw unknownZone(
    "mariadb",
    '"local", "auto", "Z", an offset such as "+05:30", or a name such as "Europe/Prague"',
  );
}
