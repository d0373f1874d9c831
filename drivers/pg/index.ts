/// <reference types="node" preserve="true" />
/** PostgreSQL, over the `pg` package. */
/** @ts-ignore: without the package, its types are `any`. */
import type { Client, ClientConfig } from "pg";
import type { Driver } from "../driver.js";
import { checkArgs, identify } from "./arguments/args.js";
import { configOf } from "./arguments/url.js";
import { connect } from "./connect.js";
import { cancelled, translate } from "./errors.js";
import { severalStatements } from "./script/statements.js";
import { repeatable, stackable } from "./text.js";
import { bind } from "./values/params.js";

/** What `new pg.Client` takes; a string is a URL. */
export type PgConnectArgs = string | URL | ClientConfig;

/** What `native` is. */
export type PgNative = Client;

/** The driver `"pg"`. */
export const pg: Driver = {
  name: "pg",
  paramstyle: "numeric",
  dialect: "postgres",
  pipeline: 16,
  connect,
  translate,
  checkArgs,
  identify,
  fromUrl: (url) => [configOf(url)],
  bind,
  stackable,
  repeatable,
  severalStatements,
  listens: true,
  cancelled,
};

export default pg;
