/** The drivers of the MySQL family, straight on the contract: one body for both packages. */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import {
  type AdbapiError,
  CheckViolation,
  ConnectionLost,
  DatabaseError,
  DataError,
  DeadlockDetected,
  ForeignKeyViolation,
  InterfaceError,
  LockNotAvailable,
  NotNullViolation,
  NotSupportedError,
  OperationalError,
  ProgrammingError,
  SerializationFailure,
  StatementTimeout,
  TransactionAborted,
  UniqueViolation,
} from "adbapi";
import mariadb from "adbapi/drivers/mariadb";
import mysql2 from "adbapi/drivers/mysql2";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type {
  Driver,
  DriverConnection,
  DriverSettings,
  Params,
  Result,
  RowMode,
} from "../../drivers/driver.js";
import { serverUrl } from "../support/servers.js";

type ErrorClass = abstract new (...args: never[]) => AdbapiError;

for (const { driver, url } of [
  { driver: mysql2 as Driver, url: serverUrl("mysql") },
  { driver: mariadb as Driver, url: serverUrl("mariadb") },
]) {
  describe.runIf(url)(driver.name, () => {
    const prefix = `drv_${driver.name}`;
    const open = new Set<DriverConnection>();
    let isMariaDB = true;

    async function connect(
      args: Record<string, unknown> = {},
      settings: Partial<DriverSettings> = {},
      onLost: (error: unknown) => void = () => {},
    ): Promise<DriverConnection> {
      const [fromUrl] = driver.fromUrl!(url!);
      const connection = await driver.connect(driver.checkArgs!([{ ...(fromUrl as object), ...args }]), {
        settings: { name: "test", prepare: true, pipeline: driver.pipeline, int64: "driver", ...settings },
        signal: new AbortController().signal,
        onLost,
      });
      open.add(connection);
      return connection;
    }

    function run(
      connection: DriverConnection,
      sql: string,
      params?: Params,
      rowMode: RowMode = "object",
    ): Promise<Result> {
      return connection.execute({ sql, params: params && driver.bind!(params), rowMode });
    }

    async function rows(connection: DriverConnection, sql: string, params?: Params): Promise<unknown[]> {
      return (await run(connection, sql, params)).rows;
    }

    async function failure(work: Promise<unknown>): Promise<AdbapiError> {
      return work.then(
        () => expect.fail("it did not fail"),
        (error: unknown) => driver.translate(error),
      );
    }

    beforeAll(async () => {
      const connection = await connect();
      const [version] = (await run(connection, "select version()", undefined, "array")).rows[0] as string[];
      isMariaDB = version!.includes("MariaDB");
      await run(connection, `drop procedure if exists ${prefix}_work`);
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

    afterEach(async () => {
      await Promise.all([...open].map((connection) => connection.close()));
      open.clear();
    });

    afterAll(async () => {
      const connection = await connect();
      await run(connection, `drop table if exists ${prefix}_child, ${prefix}_items, ${prefix}_ddl`);
      await connection.close();
    });

    describe("results", () => {
      test("rows, columns and counts, with params and without", async () => {
        const connection = await connect();
        const expected = { rows: [{ a: 1, b: "x" }], rowCount: 1, lastInsertId: undefined };
        expect(await run(connection, "select 1 as a, 'x' as b")).toMatchObject(expected);
        const bound = await run(connection, "select cast(? as signed) + 0 as a, ? as b", [1, "x"]);
        expect(bound.columns).toEqual([{ name: "a" }, { name: "b" }]);
        expect(bound.rows).toHaveLength(1);
      });

      test("writes tell what they changed and the key they generated", async () => {
        const connection = await connect();
        await run(
          connection,
          "create temporary table keyed (id bigint unsigned primary key auto_increment, v int)",
        );
        const insert = "insert into keyed (v) values (?)";
        expect(await run(connection, insert, [1])).toMatchObject({ rows: [], rowCount: 1, lastInsertId: 1 });
        expect(await run(connection, "update keyed set v = 5")).toMatchObject({
          rowCount: 1,
          lastInsertId: undefined,
        });
        await run(connection, "insert into keyed values (9007199254740993, 1)");
        expect((await run(connection, insert, [1])).lastInsertId).toBe(9007199254740994n);
      });

      test("of two columns of one name an object has the last, an array both", async () => {
        const connection = await connect();
        const sql = "select 1 as a, 2 as a";
        expect(await rows(connection, sql)).toEqual([{ a: 2 }]);
        expect((await run(connection, sql, undefined, "array")).rows).toEqual([[1, 2]]);
        expect((await run(connection, "select 'x' as a, ? as a", ["y"], "array")).rows).toEqual([["x", "y"]]);
      });

      test.each([
        ["text", undefined],
        ["prepared", ["y"]],
      ])("a column may be called __proto__ or constructor: %s", async (_name, params) => {
        const connection = await connect();
        const value = params === undefined ? "'y'" : "?";
        const sql = `select ${value} as __proto__, 'c' as constructor, 's' as __defineSetter__, 1 as plain`;
        const [row] = (await rows(connection, sql, params)) as [object];
        expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
        expect(Object.getOwnPropertyDescriptor(row, "__proto__")?.value).toBe("y");
        expect(Object.keys(row)).toEqual(["__proto__", "constructor", "__defineSetter__", "plain"]);
        expect((await run(connection, sql, params)).columns[0]).toEqual({ name: "__proto__" });
        expect((await run(connection, sql, params, "array")).rows).toEqual([["y", "c", "s", 1]]);
      });

      test("a procedure gives its first rows", async () => {
        const connection = await connect();
        await run(connection, `create procedure ${prefix}_work() begin select 1 as a; select 2 as b; end`);
        expect(await rows(connection, `call ${prefix}_work()`)).toEqual([{ a: 1 }]);
        expect(connection.state).toBe("idle");
        await run(connection, `drop procedure ${prefix}_work`);
      });

      const large = "9007199254740993";
      test.each([
        ["driver", driver.name === "mysql2" ? large : BigInt(large)],
        ["bigint", BigInt(large)],
        ["string", large],
      ] as const)("integers beyond 2^53, int64: %s", async (int64, expected) => {
        const connection = await connect({}, { int64 });
        expect(await rows(connection, `select ${large} as n`)).toEqual([{ n: expected }]);
        expect(await rows(connection, `select ${large} as n, ? as x`, ["x"])).toEqual([
          { n: expected, x: "x" },
        ]);
      });

      test("integers beyond 2^53 are refused as numbers, and the session goes on", async () => {
        const connection = await connect({}, { int64: "number" });
        expect(await failure(run(connection, `select ${large} as n`))).toBeInstanceOf(DataError);
        expect(await failure(run(connection, `select ${large} as n, ? as x`, ["x"]))).toBeInstanceOf(
          DataError,
        );
        expect(await rows(connection, "select cast(5 as signed) as n")).toEqual([{ n: 5 }]);
      });
    });

    describe("params", () => {
      test.each([
        ["too few", "select ? as a, ? as b", [1]],
        ["too many", "select ? as a", [1, 2]],
        ["many too many", "select ? as a", [1, 2, 3, 4, 5, 6, 7, 8, 9]],
        ["some for none", "select 1 as a", [1]],
        ["none for some", "select ? as a", []],
        ["none given at all", "select ? as a", undefined],
      ])("%s are a ProgrammingError, prepared already or not", async (_name, sql, params) => {
        const connection = await connect();
        for (let attempt = 0; attempt < 3; attempt++) {
          expect(await failure(run(connection, sql, params))).toBeInstanceOf(ProgrammingError);
        }
        expect(await rows(connection, "select ? as a", ["fine"])).toEqual([{ a: "fine" }]);
      });

      test("one too many deletes nothing", async () => {
        const connection = await connect();
        await run(connection, "create temporary table kept (id int)");
        await run(connection, "insert into kept values (1), (2)");
        const sql = "delete from kept where id <> ?";
        expect(await failure(run(connection, sql, [1, 2]))).toBeInstanceOf(ProgrammingError);
        expect((await run(connection, sql, [1])).rowCount).toBe(1);
        expect(await failure(run(connection, sql, [1, 2]))).toBeInstanceOf(ProgrammingError);
        expect(await rows(connection, "select id from kept")).toEqual([{ id: 1 }]);
      });

      test("more texts than are kept prepared", async () => {
        const connection = await connect({
          [driver.name === "mysql2" ? "maxPreparedStatements" : "prepareCacheLength"]: 3,
        });
        for (let round = 0; round < 2; round++) {
          for (let n = 0; n < 8; n++) {
            expect(await rows(connection, `select ? as v, 'q' as k${n}`, ["x"])).toEqual([
              { v: "x", [`k${n}`]: "q" },
            ]);
          }
        }
        const [count] = (
          await run(connection, "show session status like 'Prepared_stmt_count'", undefined, "array")
        ).rows;
        expect(Number((count as string[])[1])).toBeLessThan(200);
      });
    });

    describe("errors", () => {
      const cases: [string, string, Params | undefined, ErrorClass, string][] = [
        [
          "a second row of one key",
          `insert into ${prefix}_items values (9, 'one', 1, null, 1)`,
          undefined,
          UniqueViolation,
          "ER_DUP_ENTRY",
        ],
        [
          "a child without parent",
          `insert into ${prefix}_child values (?)`,
          [77],
          ForeignKeyViolation,
          "ER_NO_REFERENCED_ROW_2",
        ],
        [
          "a parent with children",
          `delete from ${prefix}_items where id = 1`,
          undefined,
          ForeignKeyViolation,
          "ER_ROW_IS_REFERENCED_2",
        ],
        [
          "NULL",
          `insert into ${prefix}_items values (9, ?, 1, null, 1)`,
          [null],
          NotNullViolation,
          "ER_BAD_NULL_ERROR",
        ],
        [
          "a column left out",
          `insert into ${prefix}_items (name) values ('nine')`,
          undefined,
          NotNullViolation,
          "ER_NO_DEFAULT_FOR_FIELD",
        ],
        [
          "out of range",
          `update ${prefix}_items set must = 99999999999 where id = 1`,
          undefined,
          DataError,
          "ER_WARN_DATA_OUT_OF_RANGE",
        ],
        [
          "too long",
          `update ${prefix}_items set name = ? where id = 1`,
          ["12345678901"],
          DataError,
          "ER_DATA_TOO_LONG",
        ],
        [
          "no integer",
          `update ${prefix}_items set must = ? where id = 1`,
          ["many"],
          DataError,
          "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD",
        ],
        [
          "no date",
          `update ${prefix}_items set born = ? where id = 1`,
          ["yesterday"],
          DataError,
          "ER_TRUNCATED_WRONG_VALUE",
        ],
        [
          "division by zero",
          `update ${prefix}_items set must = 1 / 0 where id = 1`,
          undefined,
          DataError,
          "ER_DIVISION_BY_ZERO",
        ],
        ["beyond 64 bits", "select 9223372036854775807 + 1", undefined, DataError, "ER_DATA_OUT_OF_RANGE"],
        ["bad SQL", "selekt 1", undefined, ProgrammingError, "ER_PARSE_ERROR"],
        ["several statements", "select 1; select 2", undefined, ProgrammingError, "ER_PARSE_ERROR"],
        ["several statements with params", "select ?; select 2", [1], ProgrammingError, "ER_PARSE_ERROR"],
        ["no such table", "select * from nowhere_at_all", undefined, ProgrammingError, "ER_NO_SUCH_TABLE"],
        [
          "no such column",
          `select nothing from ${prefix}_items`,
          undefined,
          ProgrammingError,
          "ER_BAD_FIELD_ERROR",
        ],
        ["no such database", "use nowhere_at_all", undefined, ProgrammingError, "ER_BAD_DB_ERROR"],
        [
          "no such function",
          "select nothing_of_the_kind(1)",
          undefined,
          ProgrammingError,
          "ER_SP_DOES_NOT_EXIST",
        ],
        [
          "no such procedure",
          "call nothing_of_the_kind()",
          undefined,
          ProgrammingError,
          "ER_SP_DOES_NOT_EXIST",
        ],
        [
          "a table that is there",
          `create table ${prefix}_items (id int)`,
          undefined,
          ProgrammingError,
          "ER_TABLE_EXISTS_ERROR",
        ],
        [
          "two rows for one",
          `select (select id from ${prefix}_items)`,
          undefined,
          ProgrammingError,
          "ER_SUBQUERY_NO_1_ROW",
        ],
        [
          "another number of values",
          `insert into ${prefix}_child values (1, 2)`,
          undefined,
          ProgrammingError,
          "ER_WRONG_VALUE_COUNT_ON_ROW",
        ],
        [
          "a signal of the user's",
          "signal sqlstate '45000' set message_text = 'mine'",
          undefined,
          DatabaseError,
          "ER_SIGNAL_EXCEPTION",
        ],
      ];

      test.each(cases)("%s", async (_name, sql, params, errorClass, code) => {
        const connection = await connect();
        const error = await failure(run(connection, sql, params));
        expect(error).toBeInstanceOf(errorClass);
        expect(error.code).toBe(code);
        expect(error.sqlState).toMatch(/^[0-9A-Z]{5}$/);
        expect(error.cause).toBeInstanceOf(Error);
        expect(connection.state).toBe("idle");
        expect(await rows(connection, "select 1 as a")).toEqual([{ a: 1 }]);
      });

      test("a CHECK", async () => {
        const connection = await connect();
        const sql = `update ${prefix}_items set amount = ? where id = 1`;
        expect(await failure(run(connection, sql, [-1]))).toBeInstanceOf(CheckViolation);
      });

      test("what cannot be prepared", async () => {
        const connection = await connect();
        const error = await failure(
          run(connection, isMariaDB ? "prepare s from ?" : "lock tables t read", ["x"]),
        );
        expect(error).toBeInstanceOf(NotSupportedError);
      });

      test("a denied account", async () => {
        const error = await failure(connect({ user: "nobody_here", password: "s3cr3t-word" }));
        expect(error).toBeInstanceOf(OperationalError);
        expect(error.message).toMatch(/Cannot connect to .*:\d+/);
        expect(inspect(error, { depth: 9 })).not.toContain("s3cr3t-word");
      });

      test("values are in no message, whoever prints the error or its cause", async () => {
        const connection = await connect();
        await run(connection, `insert into ${prefix}_items values (50, ?, 1, null, 1)`, ["s3cr3t's"]);
        for (const [sql, params] of [
          [`insert into ${prefix}_items values (51, ?, 1, null, 1)`, ["s3cr3t's"]],
          [`update ${prefix}_items set must = ? where id = 50`, ["s3cr3t's"]],
          [`update ${prefix}_items set born = ? where id = 50`, ["s3cr3t's"]],
          [`select ? as a, nothing from ${prefix}_items`, ["s3cr3t's"]],
        ] as const) {
          const error = await failure(run(connection, sql, params));
          const shown = [
            inspect(error, { depth: 9 }),
            error.message,
            JSON.stringify(error),
            JSON.stringify(error.cause),
          ];
          expect(shown.join()).not.toContain("s3cr3t");
        }
        await run(connection, `delete from ${prefix}_items where id = 50`);
      });

      test("translate takes anything", () => {
        const ours = new InterfaceError("mine");
        expect(driver.translate(ours)).toBe(ours);
        for (const thrown of [undefined, null, "text", 7, {}, new Error("")]) {
          expect(driver.translate(thrown)).toBeInstanceOf(DatabaseError);
        }
      });
    });

    describe("transactions", () => {
      test("begin, commit and rollback", async () => {
        const connection = await connect();
        await connection.begin({});
        expect(connection.state).toBe("in transaction");
        await run(connection, `insert into ${prefix}_items values (60, 'sixty', 1, null, 1)`);
        await connection.rollback();
        expect(connection.state).toBe("idle");
        expect(await rows(connection, `select id from ${prefix}_items where id = 60`)).toEqual([]);
        await connection.begin({});
        await run(connection, `update ${prefix}_items set amount = 7 where id = ?`, [2]);
        await connection.commit();
        expect(connection.state).toBe("idle");
        const other = await connect();
        expect(await rows(other, `select amount from ${prefix}_items where id = 2`)).toEqual([{ amount: 7 }]);
      });

      test("isolation and read only", async () => {
        const writer = await connect();
        const reader = await connect();
        await reader.begin({ isolation: "read uncommitted", readOnly: true });
        await writer.begin({ isolation: "serializable" });
        await run(writer, `update ${prefix}_items set amount = 99 where id = 2`);
        expect(await rows(reader, `select amount from ${prefix}_items where id = 2`)).toEqual([
          { amount: 99 },
        ]);
        await writer.rollback();
        const error = await failure(run(reader, `update ${prefix}_items set amount = 1 where id = 2`));
        expect(error).toBeInstanceOf(OperationalError);
        await reader.rollback();
      });

      test("the state follows what the server says", async () => {
        const connection = await connect();
        const states: string[] = [];
        for (const sql of [
          "begin",
          "select 1",
          "selekt",
          "commit",
          "start transaction",
          `analyze table ${prefix}_items`,
          "/* one */ (select 1)",
          "/*!99999 */ start transaction",
          "/*! commit */",
          "set autocommit = 0",
          `select * from ${prefix}_items`,
          "rollback",
          "set autocommit = 1",
        ]) {
          await run(connection, sql).catch(() => {});
          states.push(connection.state);
        }
        const open = "in transaction";
        expect(states).toEqual([
          ...[open, open, open, "idle", open, "idle", "idle", open, "idle"],
          ...["unknown", open, "unknown", "idle"],
        ]);
      });

      test("DDL commits, and COMMIT then says so", async () => {
        const connection = await connect();
        await connection.begin({});
        await run(connection, `create table ${prefix}_ddl (id int)`);
        expect(connection.state).toBe("idle");
        await expect(connection.commit()).rejects.toBeInstanceOf(TransactionAborted);
        await run(connection, `drop table ${prefix}_ddl`);
      });

      test("a deadlock ends the transaction of its victim", async () => {
        const [one, two] = [await connect(), await connect()];
        const update = `update ${prefix}_items set amount = amount + 1 where id = ?`;
        for (const connection of [one, two]) await connection.begin({});
        await run(one, update, [1]);
        await run(two, update, [2]);
        const attempts = [run(one, update, [2]), run(two, update, [1])];
        const results = await Promise.allSettled(attempts);
        const victim = results.findIndex(({ status }) => status === "rejected");
        const error = driver.translate((results[victim] as PromiseRejectedResult).reason);
        expect(error).toBeInstanceOf(DeadlockDetected);
        expect(error).toMatchObject({ code: "ER_LOCK_DEADLOCK", sqlState: "40001", retryable: true });
        const loser = [one, two][victim]!;
        expect(loser.state).toBe("idle");
        await expect(loser.commit()).rejects.toBeInstanceOf(TransactionAborted);
        await [one, two][1 - victim]!.rollback();
      });

      test("a lock that does not come in time", async () => {
        const [one, two] = [await connect(), await connect()];
        await one.begin({});
        await run(one, `update ${prefix}_items set amount = 5 where id = 1`);
        await run(two, "set innodb_lock_wait_timeout = 1");
        await two.begin({});
        const late = await failure(run(two, `update ${prefix}_items set amount = 6 where id = ?`, [1]));
        expect(late).toBeInstanceOf(LockNotAvailable);
        expect(late.retryable).toBe(true);
        const [[whole]] = (await run(one, "select @@innodb_rollback_on_timeout", undefined, "array"))
          .rows as [[unknown]];
        expect(two.state).toBe(Number(whole) === 0 ? "in transaction" : "idle");
        const refused = await failure(
          run(two, `select * from ${prefix}_items where id = 1 for update nowait`),
        );
        expect(refused).toBeInstanceOf(LockNotAvailable);
        await two.rollback();
        await one.rollback();
      });

      test("a row that changed since the snapshot", async () => {
        const [one, two] = [await connect(), await connect()];
        if (
          !isMariaDB ||
          (await run(one, "show variables like 'innodb_snapshot_isolation'")).rows.length === 0
        )
          return;
        await run(one, "set innodb_snapshot_isolation = 1");
        await one.begin({ isolation: "repeatable read" });
        await run(one, `select * from ${prefix}_items`);
        await run(two, `update ${prefix}_items set amount = amount + 1 where id = 2`);
        const error = await failure(run(one, `update ${prefix}_items set amount = 3 where id = 2`));
        expect(error).toBeInstanceOf(SerializationFailure);
        expect(error.retryable).toBe(true);
        await one.rollback();
      });

      test("executeMany that is cancelled between two of its lists sends no more", async () => {
        const connection = await connect();
        await run(connection, "set @steps = 0");
        const sql = "set @steps = @steps + ?";
        const whole = { sql, params: undefined, rowMode: "array" } as const;
        const lists = Array.from({ length: 100 }, () => [1]);
        // Nothing is at work when a list is fetched: a KILL would find nobody.
        Object.defineProperty(lists, 3, {
          get() {
            connection.cancel!(whole);
            return [1];
          },
        });
        await connection.executeMany!(sql, lists, whole);
        expect(await rows(connection, "select concat('', @steps) as n")).toEqual([{ n: "3" }]);
      });

      test("executeMany sums up, and stops at the first failure", async () => {
        const connection = await connect();
        await run(
          connection,
          "create temporary table many (id int primary key, v varchar(20), d double) engine=InnoDB",
        );
        const insert = "insert into many values (?, ?, ?)";
        const date = new Date(2020, 1, 1);
        const lists = [
          [1, "a", 1],
          [2, "b", 2.5],
          [3, null, 3],
          [4, date, 4],
          [5, date, 5n],
          [6, "", null],
        ];
        await connection.begin({});
        expect(await connection.executeMany!(insert, lists)).toEqual({ rowCount: 6 });
        const error = await failure(
          connection.executeMany!(insert, [
            [7, "g", 1],
            [1, "twice", 1],
            [8, "h", 1],
            [9, "h", 1.5],
          ]),
        );
        expect(error).toBeInstanceOf(UniqueViolation);
        expect(connection.state).toBe("in transaction");
        const ids = (await run(connection, "select id from many where id > 7", undefined, "array")).rows;
        expect(ids).toEqual([]);
        expect(
          await failure(
            connection.executeMany!(insert, [
              [20, "a", 1],
              [21, "a"],
            ]),
          ),
        ).toBeInstanceOf(ProgrammingError);
        expect(
          await connection.executeMany!("update many set v = ? where id <= ?", [
            ["x", 1],
            ["y", 2],
          ]),
        ).toEqual({ rowCount: 3 });
        await connection.rollback();
        expect(await rows(connection, "select * from many")).toEqual([]);
      });
    });

    describe("cancel", () => {
      test("stops a sleeping statement, and harms no later one", async () => {
        const connection = await connect();
        const statement = {
          sql: "select * from information_schema.tables where sleep(60)",
          params: undefined,
          rowMode: "object",
        } as const;
        const work = connection.execute(statement).then(
          () => undefined,
          (error: unknown) => error,
        );
        await until(async () =>
          (await connect().then((c) => rows(c, "show processlist"))).some((row) =>
            inspect(row).includes("sleep(60)"),
          ),
        );
        const { done, outcome } = connection.cancel!(statement);
        expect(outcome).toBe("unknown");
        await done;
        const error = await work;
        if (error !== undefined) {
          expect(driver.cancelled!(error, statement.sql)).toBe("not applied");
          expect(driver.translate(error)).toBeInstanceOf(OperationalError);
        }
        expect(connection.state).toBe("idle");
        expect(await rows(connection, "select 1 as a")).toEqual([{ a: 1 }]);
      });

      test("of what is not running does nothing", async () => {
        const connection = await connect();
        const statement = { sql: "select 1 as a", params: undefined, rowMode: "object" } as const;
        await connection.execute(statement);
        await connection.cancel!(statement).done;
        expect(await rows(connection, "select sleep(0.05) as s")).toEqual([{ s: 0 }]);
      });

      test("a time limit of the server's is a StatementTimeout", async () => {
        const connection = await connect();
        const sql = isMariaDB
          ? "set statement max_statement_time = 0.05 for select count(*) from information_schema.columns where sleep(5)"
          : "select /*+ MAX_EXECUTION_TIME(50) */ count(*) from information_schema.columns a, information_schema.columns b, information_schema.columns c";
        expect(await failure(run(connection, sql))).toBeInstanceOf(StatementTimeout);
        expect(connection.state).toBe("idle");
      });
    });

    describe("loss", () => {
      test("killed while idle: told once", async () => {
        const lost: unknown[] = [];
        const connection = await connect({}, {}, (error) => lost.push(error));
        const killer = await connect();
        await run(killer, `kill ${connection.id}`);
        await until(() => connection.state === "broken");
        expect(lost).toHaveLength(1);
        expect(driver.translate(lost[0])).toBeInstanceOf(OperationalError);
        const error = await failure(run(connection, "select 1"));
        expect(error).toBeInstanceOf(ConnectionLost);
        expect((error as ConnectionLost).outcome).toBe("not sent");
        connection.destroy();
        expect(lost).toHaveLength(1);
      });

      test("killed in flight: what was sent is lost, its outcome unknown", async () => {
        const lost: unknown[] = [];
        const connection = await connect({}, {}, (error) => lost.push(error));
        const killer = await connect();
        const work = failure(run(connection, "select ?, sleep(60)", [1]));
        await until(async () =>
          inspect(await rows(killer, "show processlist"), { maxArrayLength: null }).includes("sleep(60)"),
        );
        await run(killer, `kill ${connection.id}`);
        const error = await work;
        expect(error).toBeInstanceOf(ConnectionLost);
        expect((error as ConnectionLost).outcome).toBe("unknown");
        await until(() => lost.length > 0);
        expect(connection.state).toBe("broken");
        expect(lost).toHaveLength(1);
      });

      test("destroy rejects what is in flight, and tells nobody", async () => {
        const lost: unknown[] = [];
        const connection = await connect({}, {}, (error) => lost.push(error));
        const work = failure(run(connection, "select sleep(60)"));
        connection.destroy();
        connection.destroy();
        expect(await work).toBeInstanceOf(ConnectionLost);
        expect(connection.state).toBe("broken");
        expect(lost).toEqual([]);
      });

      test("too large for the server: not sent, and the session goes on", async () => {
        const connection = await connect();
        const [limit] = (await run(connection, "select @@max_allowed_packet", undefined, "array"))
          .rows[0] as [number];
        const text = "x".repeat(Number(limit) + 1);
        expect(await failure(run(connection, "select length(?) as n", [text]))).toBeInstanceOf(
          OperationalError,
        );
        expect(await failure(run(connection, `select '${text}'`))).toBeInstanceOf(OperationalError);
        expect(connection.state).toBe("idle");
        expect(await rows(connection, "select length(?) as n", ["x".repeat(100_000)])).toMatchObject([{}]);
      });

      test("close says goodbye behind what is in flight", async () => {
        const lost: unknown[] = [];
        const connection = await connect({}, {}, (error) => lost.push(error));
        const work = rows(connection, "select sleep(0.05) as s");
        await connection.close();
        expect(await work).toEqual([{ s: 0 }]);
        expect(connection.state).toBe("broken");
        expect(lost).toEqual([]);
      });
    });

    describe("streams", () => {
      const numbers = sequence(10_000);

      test.each([
        ["text", undefined],
        ["prepared", ["x"]],
      ])("rows in batches: %s", async (_name, params) => {
        const connection = await connect();
        const sql = params === undefined ? `${numbers}` : numbers.replace("n from", "n, ? as __proto__ from");
        const statement = { sql, params, rowMode: "object" } as const;
        let count = 0;
        let last: { n: number } | undefined;
        for await (const batch of connection.stream!(statement, 100)) {
          expect(batch.length).toBeLessThanOrEqual(100);
          count += batch.length;
          last = batch.at(-1) as { n: number };
        }
        expect(count).toBe(10_000);
        if (params !== undefined) expect(Object.getOwnPropertyDescriptor(last, "__proto__")?.value).toBe("x");
        expect(connection.state).toBe("idle");
        expect(await rows(connection, "select 1 as a")).toEqual([{ a: 1 }]);
      });

      test.each([
        ["short", 1_000],
        ["without end", 100_000_000],
      ])("left early: %s", async (_name, length) => {
        const connection = await connect();
        for await (const batch of connection.stream!(
          { sql: sequence(length), params: undefined, rowMode: "array" },
          10,
        )) {
          expect(batch).toHaveLength(10);
          break;
        }
        expect(connection.state).toBe("idle");
        expect(await rows(connection, "select ? as a", ["fine"])).toEqual([{ a: "fine" }]);
      });

      test.each([
        ["bad SQL", "selekt ?", ["x"], ProgrammingError],
        ["bad SQL without params", "selekt", undefined, ProgrammingError],
        ["too many params", "select ?", [1, 2], ProgrammingError],
        ["a failure on the way", `select (select id from ${prefix}_items)`, undefined, ProgrammingError],
      ])("%s", async (_name, sql, params, errorClass) => {
        const connection = await connect();
        const stream = connection.stream!({ sql, params, rowMode: "object" }, 10);
        expect(await failure(stream.next())).toBeInstanceOf(errorClass);
        expect(connection.state).toBe("idle");
        expect(await rows(connection, "select ? as a", ["fine"])).toEqual([{ a: "fine" }]);
      });

      test("killed on the way", async () => {
        const connection = await connect();
        const killer = await connect();
        const stream = connection.stream!(
          { sql: sequence(100_000_000), params: undefined, rowMode: "array" },
          10,
        );
        await stream.next();
        await run(killer, `kill ${connection.id}`);
        const error = await failure(
          (async () => {
            for await (const _batch of stream);
          })(),
        );
        expect(error).toBeInstanceOf(ConnectionLost);
        expect(connection.state).toBe("broken");
      });
    });

    describe("reset", () => {
      test("gives back the session that was opened", async () => {
        const connection = await connect();
        const facts =
          "select database() as db, @@sql_mode as mode, @@character_set_client as client, @@collation_connection as collation, @mine as mine, @@autocommit as auto";
        const before = await rows(connection, facts);
        await run(connection, "select ? as kept", [1]);
        await run(connection, "use mysql");
        await run(connection, "set names latin1");
        await run(connection, "set sql_mode = ''");
        await run(connection, "set @mine = 1");
        await run(connection, "set autocommit = 0");
        await run(connection, "create temporary table test.gone (id int)");
        await connection.reset!();
        expect(await rows(connection, facts)).toEqual(before);
        expect(connection.state).toBe("idle");
        expect(await failure(run(connection, "select * from gone"))).toBeInstanceOf(ProgrammingError);
        expect(await rows(connection, "select ? as kept", ["ü€😀"])).toEqual([{ kept: "ü€😀" }]);
      });

      test("a database that cannot be left ends the session", async () => {
        const connection = await connect({ database: undefined });
        await connection.reset!();
        await run(connection, "use mysql");
        await expect(connection.reset!()).rejects.toBeInstanceOf(OperationalError);
        expect(connection.state).toBe("broken");
      });
    });

    describe("connecting", () => {
      test("nobody listens", async () => {
        const error = await failure(connect({ port: 1 }));
        expect(error).toBeInstanceOf(OperationalError);
        expect(error).not.toBeInstanceOf(ConnectionLost);
        expect(error.message).toContain("127.0.0.1:1");
        expect(error.cause).toBeInstanceOf(Error);
      });

      test("given up by its signal", async () => {
        const signal = AbortSignal.abort(new Error("enough"));
        const settings = { name: "x", prepare: true, pipeline: 1, int64: "driver" } as const;
        const opening = driver.connect(driver.checkArgs!([url]), { settings, signal, onLost: () => {} });
        await expect(opening).rejects.toThrow("enough");
      });

      test.each([
        ["connectTimeout", { connectTimeout: 100 }, undefined, "no answer in 100 ms"],
        ["its signal", {}, 100, "timeout"],
      ])(
        "a server that says nothing: given up by %s, and nothing is left open",
        async (_name, args, millis, told) => {
          const sockets = new Set<Socket>();
          const server = createServer((socket) => sockets.add(socket.on("error", () => {}).resume()));
          await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
          const { port } = server.address() as AddressInfo;
          const settings = { name: "x", prepare: true, pipeline: 1, int64: "driver" } as const;
          const signal = millis === undefined ? new AbortController().signal : AbortSignal.timeout(millis);
          const checked = driver.checkArgs!([{ host: "127.0.0.1", port, ...args }]);
          await expect(driver.connect(checked, { settings, signal, onLost: () => {} })).rejects.toThrow(told);
          await until(() => sockets.size === 1 && [...sockets].every((socket) => socket.destroyed));
          await new Promise((resolve) => server.close(resolve));
        },
      );

      test("the password is nowhere to be seen", async () => {
        const admin = await connect();
        await run(admin, `create user if not exists '${prefix}'@'%' identified by 's3cr3t-word'`);
        await run(admin, `grant all on test.* to '${prefix}'@'%'`);
        const connection = await connect({ user: prefix, password: "s3cr3t-word" });
        const shown =
          inspect(connection, { depth: 9, showHidden: false }) + inspect(connection.native, { depth: 9 });
        expect(shown).not.toContain("s3cr3t-word");
        const { config } = connection.native as { config?: unknown };
        expect(inspect(config, { depth: 9 })).not.toContain("s3cr3t-word");
        await run(admin, `drop user '${prefix}'@'%'`);
      });

      test("several statements where the arguments allow them", async () => {
        const connection = await connect({ multipleStatements: true });
        expect(await rows(connection, "do 1; select 2 as b; select 3 as c")).toEqual([{ b: 2 }]);
        expect(await failure(run(connection, "select ?; select 2", [1]))).toBeInstanceOf(ProgrammingError);
        for (const sql of ["select 1; begin", "select 1; begin; select 2", "select 1; begin; selekt"]) {
          await run(connection, sql).catch(() => {});
          expect(connection.state).toBe("in transaction");
          await connection.rollback();
        }
      });

      test.each([
        ["connectionLimit", "max"],
        ["rowsAsArray", "rowMode"],
        ["namedPlaceholders", "?"],
        ["supportBigNumbers", "int64"],
      ])("the argument %s is refused", (key, advice) => {
        expect(() => driver.checkArgs!([{ [key]: true }])).toThrow(InterfaceError);
        expect(() => driver.checkArgs!([{ [key]: true }])).toThrow(advice);
      });

      test.each([
        "postgres://a:s3cr3t@h/d",
        "mysql://a:s3cr3t@h/d?multipleStatements=true",
        "mysql://a:s3cr3t@h/d?flags=LOCAL_FILES",
        "mysql://a:s3cr3t%@h/d",
        "mysql://a:s3cr3t@",
        "mysql://a:s3cr3t@h:99999/d",
        "s3cr3t",
      ])("the URL %s is refused", (bad) => {
        let thrown: unknown;
        try {
          driver.fromUrl!(bad);
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toBeInstanceOf(InterfaceError);
        expect(inspect(thrown)).not.toContain("s3cr3t");
      });

      test("a URL with all of its parts", () => {
        expect(
          driver.fromUrl!("mysql://a%40b:p%2Fw@[::1]:33/d%20b?charset=utf8mb4&connectTimeout=5"),
        ).toEqual([
          {
            host: "::1",
            port: 33,
            user: "a@b",
            password: "p/w",
            database: "d b",
            charset: "utf8mb4",
            connectTimeout: 5,
          },
        ]);
      });

      test("what may be stacked", () => {
        for (const sql of ["select 1", "  SELECT * from t where id = ?"])
          expect(driver.stackable!(sql)).toBe(true);
        for (const sql of [
          "select 1 for update",
          "select 1 FOR  SHARE",
          "select 1 lock in share mode",
          "select 1 into @a",
          "select get_lock('a', 1)",
          "select sleep(1)",
          "select 1; begin",
          "update t set a = 1",
          "with a as (select 1) select * from a",
          "/* */ select 1",
        ]) {
          expect(driver.stackable!(sql)).toBe(false);
        }
      });

      test("what may be sent twice", () => {
        for (const sql of [
          "select * from t where id in (?, ?)",
          "select count(*) from t join (select 1) u",
        ]) {
          expect(driver.repeatable!(sql)).toBe(true);
        }
        for (const sql of [
          "select f(1)",
          "select `f` (1)",
          "select f/**/(1)",
          "select my.count(1)",
          "select $sum(1)",
          "select @a := 1",
          "update t set a = 1",
        ]) {
          expect(driver.repeatable!(sql)).toBe(false);
        }
      });
    });
  });
}

/** Numbers from a cross join of a table that every server has: it may run for a very long time. */
function sequence(length: number): string {
  return `select a.id as n from information_schema.collations a, information_schema.collations b,
    information_schema.collations c, information_schema.collations d limit ${length}`;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect.fail("it did not come to pass");
}
