/** In which world the tests run: how the servers of the run are set up. The tests are the same in all of them. */
import type { PoolOptions } from "./pool-options.js";
import type { TargetName } from "./selection.js";

export interface World {
  readonly name: WorldName;
  /** What lives in it; the others have nothing there that they have not in `plain`. */
  readonly targets: readonly TargetName[];
  /** Encrypted connections only, with certificates of the run's own authority and the name of the host in the URLs. */
  readonly tls: boolean;
  /** Of PostgreSQL's configuration, by name. */
  readonly postgres: Settings;
  /** Of MariaDB's and MySQL's, by name. */
  readonly mysql: Settings;
  /** Of its pgbouncer.ini; undefined where nothing stands before PostgreSQL. */
  readonly pooler: Settings | undefined;
  /** What `withPool` gives each pool on PostgreSQL; a test's own choice goes first. */
  readonly poolOptions: PoolOptions;
  /** The schema in which new tables are; it is made with each database. */
  readonly schema: string;
  /** What of a table's definition makes it take any text. */
  readonly anyText: string;
  /**
   * Whether files of SQLite lie in a folder with an odd name, have a rollback journal, and another process that writes.
   */
  readonly sharedFiles: boolean;
}

export type WorldName = keyof typeof WORLDS;
export type Settings = Readonly<Record<string, string | number>>;

const EVERYONE = ["pg", "mysql2", "mariadb", "better-sqlite3", "node:sqlite"] as const;

const plain = {
  targets: EVERYONE,
  tls: false,
  postgres: {},
  mysql: {},
  pooler: undefined,
  poolOptions: {},
  schema: "public",
  anyText: "",
  sharedFiles: false,
} as const satisfies Omit<World, "name">;

/** Fewer sessions than clients, and another one for each transaction where that is possible. */
const pooler = { default_pool_size: 3, server_round_robin: 1 };

const WORLDS = {
  /** Nothing that surprises, except that there are passwords. */
  plain,

  /** Another language, other styles, less room, TLS. */
  foreign: {
    ...plain,
    tls: true,
    postgres: {
      lc_messages: "de_DE.UTF-8",
      datestyle: "German, DMY",
      intervalstyle: "iso_8601",
      // 5:45 ahead of UTC, and until 1920 5 h 41 min 16 s.
      timezone: "Asia/Kathmandu",
      bytea_output: "escape",
      extra_float_digits: 0,
      search_path: "tenant, public",
      default_transaction_isolation: "repeatable read",
    },
    mysql: {
      lc_messages: "de_DE",
      default_time_zone: "+05:45",
      sql_mode: "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO",
      character_set_server: "latin1",
      lower_case_table_names: 1,
      innodb_rollback_on_timeout: "ON",
      max_allowed_packet: 4_194_304,
      max_prepared_stmt_count: 400,
    },
    schema: "tenant",
    anyText: " character set utf8mb4",
    sharedFiles: true,
  },

  /** PgBouncer in transaction mode stands before PostgreSQL, and pools are set as docs/pgbouncer.md says. */
  pooled: {
    ...plain,
    targets: ["pg"],
    pooler,
    poolOptions: { prepare: false, resetOnRelease: false },
  },

  /** The same, and nobody has told the pools. */
  "pooled-by-default": { ...plain, targets: ["pg"], pooler },
} as const satisfies Readonly<Record<string, Omit<World, "name">>>;

export const WORLD: World = selected(process.env.ADBAPI_TEST_WORLD || "plain");

function selected(name: string): World {
  if (Object.hasOwn(WORLDS, name)) return { name: name as WorldName, ...WORLDS[name as WorldName] };
  throw new Error(`ADBAPI_TEST_WORLD is ${name}; there are ${Object.keys(WORLDS).join(", ")}`);
}
