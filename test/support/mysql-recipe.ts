/** MariaDB and MySQL: one family, with different programs. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { MARIADB_ACCOUNTS, MYSQL_ACCOUNTS, mariadbAccount, mysqlAccount } from "./mysql-accounts.js";
import { connectMysql } from "./mysql-observer.js";
import { PASSWORD, urlOf } from "./passwords.js";
import { findProgram, HOMEBREW, versions } from "./programs.js";
import type { Place, Recipe, ServerKind } from "./recipe.js";
import { WORLD } from "./world.js";
import { certificate, HOST } from "./world-files.js";

const SETTINGS = [
  "--max-connections=200",
  "--innodb-flush-log-at-trx-commit=2",
  "--innodb-buffer-pool-size=64M",
  "--character-set-server=utf8mb4",
  "--skip-log-bin",
  "--skip-name-resolve",
  ...Object.entries(WORLD.mysql).map(([name, value]) => `--${name.replaceAll("_", "-")}=${value}`),
];

const SMALL_LOG = "--innodb-log-file-size=16M";
/** MariaDB keeps one of its ways to ask for a password in a file of its own. */
const ED25519 = "--plugin-load-add=auth_ed25519";
/** Where an image looks for what is to be done with a new data directory. */
const IMAGE_ACCOUNTS = "/docker-entrypoint-initdb.d/accounts.sql";
/** What data are made with is what they are served with. */
const FOREVER = SETTINGS.filter((setting) => setting.startsWith("--lower-case-table-names"));

export const mariadbRecipe: Recipe = {
  ...family(["--no-defaults", SMALL_LOG, ED25519], MARIADB_ACCOUNTS, mariadbAccount),
  kind: "mariadb",
  variable: "ADBAPI_TEST_MARIADB",
  install: "apt-get install mariadb-server",
  container: {
    image: "mariadb:11",
    port: 3306,
    environment: { MARIADB_ROOT_PASSWORD: PASSWORD, MARIADB_DATABASE: "test" },
    command: [...SETTINGS, ED25519],
    files: { [IMAGE_ACCOUNTS]: script(MARIADB_ACCOUNTS) },
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
        ...FOREVER,
      ],
    },
  ],
};

export const mysqlRecipe: Recipe = {
  ...family(["--no-defaults", "--mysqlx=OFF"], MYSQL_ACCOUNTS, mysqlAccount),
  kind: "mysql",
  variable: "ADBAPI_TEST_MYSQL",
  install: "apt-get install mysql-server (or, where there is none, mariadb-server)",
  container: {
    image: "mysql:8.4",
    port: 3306,
    environment: { MYSQL_ROOT_PASSWORD: PASSWORD, MYSQL_DATABASE: "test" },
    command: SETTINGS,
    files: { [IMAGE_ACCOUNTS]: script(MYSQL_ACCOUNTS) },
  },

  async findPrograms() {
    const server = findServer(["mysqld"], "mysql", (version) => !version.includes("MariaDB"));
    return server === undefined ? undefined : { server };
  },

  initialize: (place) => [
    {
      file: place.programs.server!,
      args: ["--no-defaults", "--initialize-insecure", `--datadir=${dataDirectory(place)}`, ...FOREVER],
    },
  ],
};

function family(
  first: readonly string[],
  accounts: readonly string[],
  account: (client: ServerKind) => string,
): Pick<Recipe, "account" | "files" | "serve" | "url" | "ping"> {
  return {
    account: "mysql",

    files: () => ({ "accounts.sql": script(accounts), ...(WORLD.tls ? certificate() : {}) }),

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
        `--init-file=${join(place.home, "accounts.sql")}`,
        ...SETTINGS,
        ...(WORLD.tls ? tls(place) : []),
      ],
    }),

    url: (port, client) =>
      urlOf("mysql", account(client), `${HOST}:${port}/test${WORLD.tls ? "?ssl=true" : ""}`),

    async ping(url) {
      (await connectMysql(url, { connectTimeout: 2_000 })).destroy();
    },
  };
}

function tls({ home }: Place): readonly string[] {
  return [
    `--ssl-cert=${join(home, "server.pem")}`,
    `--ssl-key=${join(home, "server.key")}`,
    "--require-secure-transport=ON",
  ];
}

/** A statement to a line, as --init-file wants it. */
function script(statements: readonly string[]): string {
  return statements.map((sql) => `${sql};\n`).join("");
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
