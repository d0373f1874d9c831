/// <reference types="node" preserve="true" />
/**
 * MariaDB and MySQL through mariadb, pipelined.
 *
 * The connect arguments are mariadb's, but for what a pool decides itself. Added to them:
 * - `prepareCacheLength: 100` and `connectTimeout: 10_000` (for mariadb's one second), unless given;
 * - `permitRedirect: false`, unless given: a session stays where it was opened;
 * - `checkDuplicate: false`: of two columns of one name a row has the last;
 * - `logParam: false` and `trace: false`: no params in errors.
 */
/** @ts-ignore: without the package, its types are `any`. */
import type { ConnectionConfig } from "mariadb";
/** @ts-ignore: as above. */
import type { Connection } from "mariadb/callback";
import type { ConnectOptions, Driver, DriverConnection } from "../driver.js";
import { identify } from "../mysql-family/arguments/args.js";
import { parseUrl } from "../mysql-family/arguments/url.js";
import { begin } from "../mysql-family/connect/connect.js";
import { cancelled } from "../mysql-family/errors/outcome.js";
import { severalStatements } from "../mysql-family/scripts.js";
import { repeatable, stackable } from "../mysql-family/text.js";
import { checkArgs, connectionArgs } from "./args.js";
import { open } from "./connect.js";
import { MariadbConnection } from "./connection.js";
import { translate } from "./errors.js";
import { bind } from "./params.js";

/** What `createConnection` of mariadb takes; a string is a URL. */
export type MariadbConnectArgs = string | URL | ConnectionConfig;

/** What `native` is: of the callback API. */
export type MariadbNative = Connection;

/** The driver `"mariadb"`. */
export const mariadb: Driver = {
  name: "mariadb",
  paramstyle: "qmark",
  dialect: "mysql",
  pipeline: 8,
  checkArgs,
  identify: (args) => identify("mariadb", args),
  fromUrl: (url) => [parseUrl("mariadb", url)],
  connect,
  translate,
  bind,
  stackable,
  repeatable,
  severalStatements,
  cancelled,
};

export default mariadb;

async function connect(args: readonly unknown[], options: ConnectOptions): Promise<DriverConnection> {
  const own = connectionArgs(args, options.settings.int64);
  const { opened, setup } = await begin(open, own, options);
  const pipeline = own.pipelining === false ? 1 : setup.pipeline;
  return new MariadbConnection(opened, {
    ...setup,
    pipeline,
    bulks: own.bulk !== false,
    sessionVariables: { ...own.sessionVariables },
  });
}
