/// <reference types="node" preserve="true" />
/**
 * MySQL and MariaDB through mysql2.
 *
 * The connect arguments are mysql2's, but for what a pool decides itself. Added to them:
 * - `supportBigNumbers`, so that integers beyond 2^53 come back exact, as strings;
 * - `maxPreparedStatements: 100`, unless given: mysql2's 16 000 for each connection exhaust a server;
 * - `flags: ["-LOCAL_FILES"]`, unless `infileStreamFactory` is given: no server reads files of this machine.
 */
/** @ts-ignore: without the package, its types are `any`. */
import type { Connection, ConnectionOptions } from "mysql2";
import type { ConnectOptions, Driver, DriverConnection } from "../driver.js";
import { identify } from "../mysql-family/arguments/args.js";
import { parseUrl } from "../mysql-family/arguments/url.js";
import { begin } from "../mysql-family/connect/connect.js";
import { cancelled } from "../mysql-family/errors/outcome.js";
import { severalStatements } from "../mysql-family/scripts.js";
import { repeatable, stackable } from "../mysql-family/text.js";
import { Ahead } from "./ahead.js";
import { checkArgs, connectionArgs } from "./args.js";
import { open } from "./connect.js";
import { Mysql2Connection } from "./connection.js";
import { translate } from "./errors.js";
import { bind } from "./params.js";

/** What `createConnection` of mysql2 takes; a string is a URL. */
export type Mysql2ConnectArgs = string | URL | ConnectionOptions;

/** What `native` is: of the callback API. */
export type Mysql2Native = Connection;

/** The driver `"mysql2"`. */
export const mysql2: Driver = {
  name: "mysql2",
  paramstyle: "qmark",
  dialect: "mysql",
  pipeline: 8,
  checkArgs,
  identify: (args) => identify("mysql", args),
  fromUrl: (url) => [parseUrl("mysql2", url)],
  connect,
  translate,
  bind,
  stackable,
  repeatable,
  severalStatements,
  cancelled,
};

export default mysql2;

async function connect(args: readonly unknown[], options: ConnectOptions): Promise<DriverConnection> {
  const { int64 } = options.settings;
  const { opened, setup } = await begin(open, connectionArgs(args, int64), options);
  const ahead = new Ahead(opened.native);
  const pipeline = ahead.possible ? setup.pipeline : 1;
  return new Mysql2Connection(opened.native, { ...setup, pipeline, int64, ahead, types: opened.types });
}
