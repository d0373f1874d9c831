/** The connect arguments of mariadb: what a pool cannot have, and what is added. */
import type { ConnectionConfig } from "mariadb";
import type { DriverSettings } from "../driver.js";
import { instead, ownArgs } from "../mysql-family/args.js";

const { ofPool, ofReset, ofInt64, ofBinding, ofNames } = instead;
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
};

export function checkArgs(args: readonly unknown[]): readonly unknown[] {
  const own = ownArgs("mariadb", args, REFUSED);
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
    checkDuplicate: false,
    logParam: false,
    trace: false,
  };
}
