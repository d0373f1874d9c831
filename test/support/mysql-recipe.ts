/** MariaDB and MySQL: one family, with different programs. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { findProgram, HOMEBREW, versions } from "./programs.js";
import type { Place, Recipe } from "./recipe.js";

const SETTINGS = [
  "--max-connections=200",
  "--innodb-flush-log-at-trx-commit=2",
  "--innodb-buffer-pool-size=64M",
  "--character-set-server=utf8mb4",
  "--skip-log-bin",
  "--skip-name-resolve",
];

const SMALL_LOG = "--innodb-log-file-size=16M";

export const mariadbRecipe: Recipe = {
  ...family(["--no-defaults", SMALL_LOG]),
  kind: "mariadb",
  variable: "ADBAPI_TEST_MARIADB",
  install: "apt-get install mariadb-server",
  container: {
    image: "mariadb:11",
    port: 3306,
    environment: { MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: "1", MARIADB_DATABASE: "test" },
    command: SETTINGS,
  },

  async findPrograms() {
    const server = findServer(["mariadbd", "mysqld"], "mariadb", (version) => version.includes("MariaDB"));
    const install = findProgram("mariadb-install-db") ?? findProgram("mysql_install_db");
    return server !== undefined && install !== undefined ? { server, install } : undefined;
  },

  initialize: (place) => [
    {
      file: place.programs.install!,
      args: [
        "--no-defaults",
        `--datadir=${dataDirectory(place)}`,
        "--auth-root-authentication-method=normal",
        "--skip-name-resolve",
        SMALL_LOG,
      ],
    },
  ],
};

export const mysqlRecipe: Recipe = {
  ...family(["--no-defaults", "--mysqlx=OFF"]),
  kind: "mysql",
  variable: "ADBAPI_TEST_MYSQL",
  install: "apt-get install mysql-server (or, where there is none, mariadb-server)",
  container: {
    image: "mysql:8.4",
    port: 3306,
    environment: { MYSQL_ALLOW_EMPTY_PASSWORD: "1", MYSQL_DATABASE: "test" },
    command: SETTINGS,
  },

  async findPrograms() {
    const server = findServer(["mysqld"], "mysql", (version) => !version.includes("MariaDB"));
    return server === undefined ? undefined : { server };
  },

  initialize: (place) => [
    {
      file: place.programs.server!,
      args: ["--no-defaults", "--initialize-insecure", `--datadir=${dataDirectory(place)}`],
    },
  ],
};

function family(first: readonly string[]): Pick<Recipe, "account" | "serve" | "url" | "ping"> {
  return {
    account: "mysql",

    serve: (place) => ({
      file: place.programs.server!,
      args: [
        ...first,
        `--datadir=${dataDirectory(place)}`,
        "--bind-address=127.0.0.1",
        `--port=${place.port}`,
        `--socket=${join(place.home, "mysql.sock")}`,
        `--pid-file=${join(place.home, "mysql.pid")}`,
        // Two servers that share /tmp can take each other's temporary tables away.
        `--tmpdir=${place.home}`,
        ...SETTINGS,
      ],
    }),

    url: (port) => `mysql://root@127.0.0.1:${port}/test`,

    async ping(url) {
      const { database, ...server } = partsOf(url);
      const connection = await mysql.createConnection({ ...server, connectTimeout: 2_000 });
      try {
        await connection.query(`create database if not exists \`${database}\``);
      } finally {
        connection.destroy();
      }
    },
  };
}

function partsOf(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  };
}

function dataDirectory({ home }: Place): string {
  return join(home, "data");
}

/** Debian's `mysqld` is MariaDB, so each candidate is asked who it is. */
function findServer(
  names: string[],
  formula: string,
  isIt: (version: string) => boolean,
): string | undefined {
  const folders = HOMEBREW.flatMap((folder) => versions(folder, formula, "bin"));
  for (const name of names) {
    const path = findProgram(name, folders);
    if (path !== undefined && isIt(execFileSync(path, ["--version"], { encoding: "utf8" }))) return path;
  }
  return undefined;
}
