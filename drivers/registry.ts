/** The one place that knows the drivers by name. */
import { InterfaceError } from "../src/errors/classes.js";
import betterSqlite3, { type BetterSqlite3ConnectArgs } from "./better-sqlite3/index.js";
import { LONGEST_URL, urlText } from "./common/url.js";
import type { Driver } from "./driver.js";
import mariadb, { type MariadbConnectArgs, type MariadbNative } from "./mariadb/index.js";
import mysql2, { type Mysql2ConnectArgs, type Mysql2Native } from "./mysql2/index.js";
import nodeSqlite, { type NodeSqliteConnectArgs } from "./node-sqlite/index.js";
import pg, { type PgConnectArgs, type PgNative } from "./pg/index.js";

/** The connect arguments of the built-in drivers, by name. */
export interface ConnectArgs {
  readonly pg: PgConnectArgs;
  readonly mysql2: Mysql2ConnectArgs;
  readonly mariadb: MariadbConnectArgs;
  readonly "better-sqlite3": BetterSqlite3ConnectArgs;
  readonly "node:sqlite": NodeSqliteConnectArgs;
}

/** What may follow a driver in `new ConnectionPool(driver, …)`. */
export type ConnectArgsOf<D> = D extends keyof ConnectArgs ? ConnectArgs[D] : unknown;

/** The packages' own handles, which `native` is, by the driver's name. SQLite's are in other threads. */
export interface Natives {
  readonly pg: PgNative;
  readonly mysql2: Mysql2Native;
  readonly mariadb: MariadbNative;
  readonly "better-sqlite3": undefined;
  readonly "node:sqlite": undefined;
}

/** The type of `native` in a pool of this driver; `unknown` of one that is not built in. */
export type NativeOf<D> = D extends keyof Natives ? Natives[D] : unknown;

const drivers = new Map<string, Driver>(
  [pg, mysql2, mariadb, betterSqlite3, nodeSqlite].map((driver) => [driver.name, driver]),
);

const schemes: Readonly<Record<string, Driver>> = Object.freeze({
  "postgres:": pg,
  "postgresql:": pg,
  "mysql:": mysql2,
  "mariadb:": mariadb,
  "sqlite:": betterSqlite3,
});

/** Makes a driver known by its name. The names of the built-in ones are taken. */
export function registerDriver(driver: Driver): void {
  checkDriver(driver);
  const known = drivers.get(driver.name);
  if (known !== undefined && known !== driver) {
    throw new InterfaceError(`there is a driver "${driver.name}" already: give yours another name`);
  }
  drivers.set(driver.name, driver);
}

/** A name is looked up, and never imported. */
export function findDriver(nameOrDriver: unknown): Driver {
  if (typeof nameOrDriver === "object" && nameOrDriver !== null) return checkDriver(nameOrDriver as Driver);
  const driver = typeof nameOrDriver === "string" ? drivers.get(nameOrDriver) : undefined;
  if (driver !== undefined) return driver;
  const known = [...drivers.keys()].join(", ");
  throw new InterfaceError(
    `unknown driver ${typeof nameOrDriver === "string" ? JSON.stringify(nameOrDriver) : typeof nameOrDriver}: known are ${known}; ` +
      "another one is made known by registerDriver(driver), or given itself",
  );
}

/**
 * Finds the driver by the URL's scheme; `sqlite:` takes `?driver=node:sqlite`. Errors never show the URL: it may hold a
 * password.
 */
export function driverForUrl(url: unknown): { readonly driver: Driver; readonly args: readonly unknown[] } {
  const text = urlText(url);
  if (text !== undefined && text.length > LONGEST_URL) {
    throw new InterfaceError(`fromUrl takes a URL of ${LONGEST_URL} characters at the most`);
  }
  if (text === undefined || text === "") {
    throw new InterfaceError(
      "fromUrl needs a URL, such as postgres://user@host/database; is the environment variable set?",
    );
  }
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(text)?.[0].toLowerCase() ?? "";
  let driver = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
  let rest = text;
  if (driver === betterSqlite3) {
    const chosen = /[?&]driver=([^&#]*)/.exec(text);
    if (chosen !== null) {
      const name = new URLSearchParams(chosen[0].slice(1)).get("driver");
      if (name === nodeSqlite.name) driver = nodeSqlite;
      else if (name !== betterSqlite3.name)
        throw new InterfaceError("sqlite: URLs take driver=node:sqlite or driver=better-sqlite3");
      rest = text
        .replace(chosen[0], chosen[0].startsWith("?") ? "?" : "")
        .replace(/\?(&|$)/, (_, next) => (next === "&" ? "?" : ""));
    }
  }
  if (driver?.fromUrl === undefined) {
    const known = Object.keys(schemes).join(", ");
    throw new InterfaceError(
      `a URL of an unknown kind${text.startsWith("//", scheme.length) ? ` (${scheme})` : ""}: known are ${known}`,
    );
  }
  return { driver, args: driver.fromUrl(rest) };
}

function checkDriver(driver: Driver): Driver {
  if (typeof driver !== "object" || driver === null) throw new InterfaceError("a driver must be an object");
  for (const member of ["connect", "translate"] as const) {
    if (typeof driver[member] !== "function") {
      throw new InterfaceError(`a driver needs a function "${member}": see docs/writing-a-driver.md`);
    }
  }
  for (const member of ["name", "paramstyle"] as const) {
    if (typeof driver[member] !== "string") throw new InterfaceError(`a driver needs a string "${member}"`);
  }
  return driver;
}
