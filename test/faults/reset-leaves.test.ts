/**
 * What COM_RESET_CONNECTION leaves of a session's past, by the documents of MariaDB and MySQL and by what they pass
 * over: each entry is tried, and the next taker has to find what a new session has.
 */
import { ConnectionPool } from "adbapi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selectedTargets } from "../support/selection.js";
import { type OwnServer, ownServer, serverUrl } from "../support/servers.js";

/** What one taker does, and what tells of it. */
const PASTS: Readonly<Record<string, readonly [readonly string[], string]>> = {
  // Left by the server: restored.
  "another role": [["set role opener"], "select current_role() as a"],
  "no role": [["set role none"], "select current_role() as a"],
  "another database": [["use mysql"], "select database() as a"],
  "an sql_mode": [["set sql_mode = ''"], "select @@sql_mode as a"],
  "a character set": [
    ["set names latin1"],
    "select @@character_set_client as a, @@character_set_results as b, @@collation_connection as c",
  ],
  "a collation": [
    ["set collation_connection = utf8mb4_bin"],
    "select @@collation_connection as a, 'a' = 'A' as b",
  ],
  "recorded statements": [["set profiling = 1", "select 'a secret'"], "show profiles"],
  // Ended by the server.
  "an unfinished transaction": [
    ["start transaction", "insert into t values (null)"],
    "select @@in_transaction as a",
  ],
  "an XA transaction": [
    ["xa start 'x'", "insert into t values (null)", "xa end 'x'"],
    "select @@in_transaction as a",
  ],
  "locked tables": [["lock tables t write"], "select 1 as a from mysql.plugin where 1 = 0"],
  "a table flushed with a lock": [["flush tables t with read lock"], "select count(*) as a from t"],
  "a lock of everything": [["flush tables with read lock"], "insert into t2 values (1) returning a"],
  "a lock for a backup": [["backup lock t"], "select count(*) as a from t"],
  "a lock by name": [["select get_lock('mine', 1)"], "select is_used_lock('mine') as a"],
  "a temporary table": [
    ["create temporary table t2 as select 7 as a"],
    "select count(*) as a from t2 where a = 7",
  ],
  "a prepared statement": [["prepare s from 'select 1'"], "execute s"],
  "an open handler": [["handler t open"], "handler t read first"],
  "user variables": [["set @a = 1"], "select @a as a"],
  "the last key": [["insert into t values (null)"], "select last_insert_id() as a, @@identity as b"],
  "the last of a sequence": [["select nextval(sq)"], "select lastval(sq) as a"],
  "found rows": [["select sql_calc_found_rows 1 as a limit 0"], "select found_rows() as a"],
  warnings: [["select cast('x' as int) as a"], "show warnings"],
  "autocommit off": [["set autocommit = 0"], "select @@autocommit as a"],
  "isolation for all transactions": [
    ["set session transaction isolation level serializable, read only"],
    "select @@tx_isolation as a, @@tx_read_only as b",
  ],
  "isolation for the next transaction": [
    ["set transaction read only"],
    "insert into t2 values (2) returning a",
  ],
  "a time zone": [["set time_zone = '+05:00'"], "select @@time_zone as a"],
  "a fixed time": [["set timestamp = 100"], "select now() < '2000-01-01' as a"],
  "the next key": [["set insert_id = 777"], "select @@insert_id as a"],
  "checks turned off": [
    ["set foreign_key_checks = 0, unique_checks = 0, check_constraint_checks = 0"],
    "select @@foreign_key_checks as a, @@unique_checks as b, @@check_constraint_checks as c",
  ],
  "the binary log turned off": [["set sql_log_bin = 0"], "select @@sql_log_bin as a"],
  "limits of rows and time": [
    ["set sql_select_limit = 1, max_statement_time = 3, sql_safe_updates = 1, lock_wait_timeout = 2"],
    "select @@sql_select_limit as a, @@max_statement_time as b, @@sql_safe_updates as c, @@lock_wait_timeout as d",
  ],
  "another language": [["set lc_messages = 'de_DE'"], "select @@lc_messages as a"],
  "the past of tables": [
    ["set system_versioning_asof = '2020-01-01'"],
    "select @@system_versioning_asof as a",
  ],
  "a completion_type": [["set completion_type = 1"], "select @@completion_type as a"],
};

describe.runIf(serverUrl("mariadb") !== undefined)("MariaDB", () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await ownServer("mariadb");
    await using root = new ConnectionPool("mariadb", server.url.replace(/^mysql/, "mariadb"), { max: 1 });
    for (const sql of [
      "create role opener",
      "create role usual",
      "create user guest@'%' identified by 'g'",
      "grant all on *.* to guest@'%'",
      "grant opener to guest@'%'",
      "grant usual to guest@'%'",
      "set default role usual for guest@'%'",
      "create sequence sq",
      "create table t (a int primary key auto_increment)",
      "create table t2 (a int)",
    ])
      await root.runOperation(sql);
  }, 120_000);
  afterAll(() => server?.close());

  describe.each(["mysql2", "mariadb"] as const)("%s", (driver) => {
    const open = (more: object = {}) => {
      const { port } = new URL(server.url);
      const own = { host: "127.0.0.1", port: Number(port), user: "guest", password: "g", database: "test" };
      return new ConnectionPool(driver, { ...own, ...more } as never, { min: 1, max: 1 });
    };
    const asked = (pool: ConnectionPool, sql: string) =>
      pool.runQuery(sql).then(
        (rows) => rows,
        (error: unknown) => (error as { code?: string }).code,
      );

    test.runIf(selectedTargets().includes(driver)).each(Object.entries(PASTS))(
      "%s is nobody else's",
      async (_what, [past, probe]) => {
        await using fresh = open();
        const right = await asked(fresh, probe);
        await using pool = open();
        await pool.runWithConnection(async (connection) => {
          // Outside of any transaction, which some of them need.
          const native = connection.native as { query(sql: string, done: (error: unknown) => void): void };
          for (const sql of past) {
            await new Promise<void>((resolve, reject) => {
              native.query(sql, (error) => (error ? reject(error) : resolve()));
            });
          }
        });
        expect(await asked(pool, probe)).toEqual(right);
        expect(pool.stats.connects).toBe(1);
      },
    );

    test.runIf(selectedTargets().includes(driver))(
      "what init_connect has set is set for the next taker",
      async () => {
        await using root = new ConnectionPool("mariadb", server.url.replace(/^mysql/, "mariadb"), { max: 1 });
        await root.runOperation("set global init_connect = \"set time_zone = '+05:00', sql_mode = ''\"");
        try {
          await root.runOperation("create or replace user humble@'%' identified by 'g'");
          await root.runOperation("grant all on test.* to humble@'%'");
          await using pool = open({ user: "humble" });
          const probe = "select @@time_zone as a, @@sql_mode as b";
          const right = await asked(pool, probe);
          expect(right).toEqual([{ a: "+05:00", b: "" }]);
          await pool.runWithConnection((connection) => connection.cursor().execute("select 1"));
          expect(await asked(pool, probe)).toEqual(right);
        } finally {
          await root.runOperation("set global init_connect = ''");
        }
      },
    );

    test.runIf(selectedTargets().includes(driver)).each(["latin1", "utf8mb4"])(
      "what is created or loaded has the database's own character set, %s",
      async (charset) => {
        await using root = new ConnectionPool("mariadb", server.url.replace(/^mysql/, "mariadb"), { max: 1 });
        await root.runOperation(`create or replace database elsewhere character set ${charset}`);
        const probe = "select @@collation_database as a, @@character_set_database as b";
        await using fresh = open({ database: "elsewhere" });
        const right = await asked(fresh, probe);
        expect(right).toMatchObject([{ b: charset }]);
        await using pool = open({ database: "elsewhere" });
        for (const past of ["select 1", "set collation_database = utf8mb4_bin", "use test"]) {
          await pool.runWithConnection((connection) => connection.cursor().execute(past));
          expect(await asked(pool, probe), past).toEqual(right);
        }
        expect(pool.stats.connects).toBe(1);
      },
    );

    const settings: Readonly<Record<string, object>> = {
      "no settings": {},
      ...(driver === "mysql2"
        ? { "a collation": { charset: "utf8mb4_bin" } }
        : {
            "a charset": { charset: "utf8mb4" },
            "a collation": { collation: "utf8mb4_bin" },
            "session variables": { sessionVariables: { collation_connection: "utf8mb4_bin" } },
            "a first statement": { initSql: "set names utf8mb4 collate utf8mb4_spanish_ci" },
          }),
    };

    test.runIf(selectedTargets().includes(driver)).each(Object.entries(settings))(
      "params and literals compare as on a new session, with %s",
      async (_what, more) => {
        const sql =
          "select collation(?) as params, ? = ? as cases, collation('a') as literals, 'a' = 'A' as same, @@character_set_results as results";
        const ask = (pool: ConnectionPool) => pool.runQuery(sql, ["x", "a", "A"]);
        await using fresh = open(more);
        const right = await ask(fresh);
        await using pool = open(more);
        for (const dirt of [
          "select 1",
          "set names latin1",
          "set collation_connection = utf8mb4_unicode_520_ci",
        ]) {
          await pool.runWithConnection(async (connection) => {
            const cursor = connection.cursor();
            await cursor.execute(dirt);
          });
          expect(await ask(pool), dirt).toEqual(right);
        }
        expect(pool.stats.connects).toBe(1);
      },
    );
  });
});
