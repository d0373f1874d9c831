/**
 * mysql2 and mariadb: two packages for one protocol. Where no MySQL server is to be had (Debian has none), both run on
 * MariaDB.
 */
import { databaseName } from "./database-name.js";
import { askMysql as ask } from "./mysql-observer.js";
import { howToGet, type ServerKind, serverUrl } from "./servers.js";
import type { Target, TestDatabase } from "./target.js";
import { WORLD } from "./world.js";

export const mysql2Target: Target = {
  ...family("mysql", "mysql:"),
  name: "mysql2",
  exactInteger: "string",
  smallInteger: "number",
};

export const mariadbTarget: Target = {
  ...family("mariadb", "mariadb:"),
  name: "mariadb",
  exactInteger: "bigint",
  smallInteger: "bigint",
};

function family(server: ServerKind, scheme: string): Omit<Target, "name" | "exactInteger" | "smallInteger"> {
  return {
    unavailable: serverUrl(server) === undefined ? howToGet(server) : undefined,
    server,
    paramstyle: "qmark",
    types: {
      id: "bigint primary key auto_increment",
      text: `text${WORLD.anyText}`,
      bigint: "bigint",
      double: "double",
      blob: "longblob",
    },
    poolOptions: {},
    ownSessions: true,
    sole: true,
    mostSessions: Number.POSITIVE_INFINITY,
    readable: !WORLD.tls,
    quickBlobs: true,
    defaultIsolation: "repeatable read",
    lastInsertId: true,
    deferredConstraints: false,
    implicitCommitOnDdl: true,
    singleWriter: false,
    errorAbortsTransaction: false,
    isolationLevels: ["read uncommitted", "read committed", "repeatable read", "serializable"],
    sleepSql: (seconds) => `select sleep(${seconds})`,
    endlessSql: "select sleep(30)",
    sessionIdSql: "select connection_id() as id",

    placeholder: () => "?",
    sql: (text) => text,

    readWith(connectArgs, read) {
      return {
        ...objectOf(connectArgs),
        typeCast: (_column: unknown, next: () => unknown) => read(next()),
      };
    },

    async createDatabase(options) {
      const url = options?.serverUrl ?? serverUrl(server)!;
      const name = databaseName();
      await ask(url, `create database ${name}`);
      return new MysqlDatabase(url, scheme, name);
    },
  };
}

/** A URL's arguments as an object, for what no URL takes beside them; with TLS where the URL has it. */
export function objectOf(url: string): object {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  return {
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    ...(searchParams.has("ssl") && { ssl: {} }),
  };
}

class MysqlDatabase implements TestDatabase {
  readonly connectArgs: string;
  readonly url: string;
  readonly #server: string;
  readonly #url: string;
  readonly #name: string;

  constructor(server: string, scheme: string, name: string) {
    const url = new URL(server);
    url.pathname = name;
    this.#server = server;
    this.#url = url.href;
    this.#name = name;
    this.connectArgs = url.href.replace(/^\w+:/, scheme);
    this.url = this.connectArgs;
  }

  observe(sql: string) {
    return ask(this.#url, sql);
  }

  async countSessions() {
    return (await this.#sessions()).length;
  }

  async killSession(id: unknown) {
    try {
      await ask(this.#server, `kill ${Number(id)}`);
    } catch (error) {
      if ((error as { code?: string }).code !== "ER_NO_SUCH_THREAD") throw error; // it ended by itself
    }
  }

  async killSessions() {
    for (const id of await this.#sessions()) await this.killSession(id);
  }

  async [Symbol.asyncDispose]() {
    await this.killSessions(); // an open transaction would hold the drop back
    await ask(this.#server, `drop database if exists ${this.#name}`);
  }

  async #sessions() {
    const rows = await ask(
      this.#server,
      `select id from information_schema.processlist where db = '${this.#name}'`,
    );
    return rows.map((row) => row.id);
  }
}
