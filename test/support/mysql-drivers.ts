/** The drivers of the MySQL family, straight on the contract: one body of tests for both packages. */
import type { AdbapiError } from "adbapi";
import mariadb from "adbapi/drivers/mariadb";
import mysql2 from "adbapi/drivers/mysql2";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import type {
  Driver,
  DriverConnection,
  DriverSettings,
  Params,
  Result,
  RowMode,
} from "../../drivers/driver.js";
import { serverUrl } from "./servers.js";

export interface MysqlTools {
  readonly driver: Driver;
  readonly url: string;
  /** Begins the names of what a file of tests makes. */
  readonly prefix: string;
  /** Whether it is a MariaDB that answers; known once tests run. */
  readonly isMariaDB: boolean;
  /** Closed when the test is over. */
  connect(
    args?: Record<string, unknown>,
    settings?: Partial<DriverSettings>,
    onLost?: (error: unknown) => void,
  ): Promise<DriverConnection>;
  run(connection: DriverConnection, sql: string, params?: Params, rowMode?: RowMode): Promise<Result>;
  rows(connection: DriverConnection, sql: string, params?: Params): Promise<unknown[]>;
  /** What it fails with, as the pool would show it. */
  failure(work: Promise<unknown>): Promise<AdbapiError>;
}

/** The same tests for each driver; `file` is the name of the file they are in, for the names of tables. */
export function describeDrivers(file: string, body: (tools: MysqlTools) => void): void {
  for (const { driver, url } of [
    { driver: mysql2 as Driver, url: serverUrl("mysql") },
    { driver: mariadb as Driver, url: serverUrl("mariadb") },
  ]) {
    describe.runIf(url)(driver.name, () => body(toolsFor(driver, url!, `drv_${driver.name}_${file}`)));
  }
}

/** Two tables with rows, `prefix_items` and of it `prefix_child`. */
export function makeItems({ prefix, connect, run }: MysqlTools): void {
  beforeAll(async () => {
    const connection = await connect();
    await run(connection, `drop table if exists ${prefix}_child, ${prefix}_items`);
    await run(
      connection,
      `create table ${prefix}_items (
        id int primary key auto_increment, name varchar(10) not null unique,
        amount int check (amount >= 0), born datetime null, must int not null) engine=InnoDB`,
    );
    await run(
      connection,
      `create table ${prefix}_child (item int, foreign key (item) references ${prefix}_items (id)) engine=InnoDB`,
    );
    await run(
      connection,
      `insert into ${prefix}_items values (1, 'one', 1, null, 1), (2, 'two', 2, null, 2)`,
    );
    await run(connection, `insert into ${prefix}_child values (1)`);
  });

  afterAll(async () => {
    const connection = await connect();
    await run(connection, `drop table if exists ${prefix}_child, ${prefix}_items`);
    await connection.close();
  });
}

/** Numbers from a cross join of a table that every server has: it may run for a very long time. */
export function sequence(length: number): string {
  return `select a.id as n from information_schema.collations a, information_schema.collations b,
    information_schema.collations c, information_schema.collations d limit ${length}`;
}

function toolsFor(driver: Driver, url: string, prefix: string): MysqlTools {
  const open = new Set<DriverConnection>();
  let isMariaDB = true;

  const connect: MysqlTools["connect"] = async (args = {}, settings = {}, onLost = () => {}) => {
    const [fromUrl] = driver.fromUrl!(url);
    const connection = await driver.connect(driver.checkArgs!([{ ...(fromUrl as object), ...args }]), {
      settings: { name: "test", prepare: true, pipeline: driver.pipeline, int64: "driver", ...settings },
      signal: new AbortController().signal,
      onLost,
    });
    open.add(connection);
    return connection;
  };

  const run: MysqlTools["run"] = (connection, sql, params, rowMode = "object") =>
    connection.execute({ sql, params: params && driver.bind!(params), rowMode });

  const rows: MysqlTools["rows"] = async (connection, sql, params) =>
    (await run(connection, sql, params)).rows;

  const failure: MysqlTools["failure"] = (work) =>
    work.then(
      () => expect.fail("it did not fail"),
      (error: unknown) => driver.translate(error),
    );

  beforeAll(async () => {
    const connection = await connect();
    const [version] = (await run(connection, "select version()", undefined, "array")).rows[0] as string[];
    isMariaDB = version!.includes("MariaDB");
  });

  afterEach(async () => {
    await Promise.all([...open].map((connection) => connection.close()));
    open.clear();
  });

  return {
    driver,
    url,
    prefix,
    get isMariaDB() {
      return isMariaDB;
    },
    connect,
    run,
    rows,
    failure,
  };
}
