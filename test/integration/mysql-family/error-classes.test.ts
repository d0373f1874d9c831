/** What the server refuses, as classes of errors. */
import { inspect } from "node:util";
import {
  type AdbapiError,
  CheckViolation,
  DatabaseError,
  DataError,
  ForeignKeyViolation,
  InterfaceError,
  NotNullViolation,
  NotSupportedError,
  OperationalError,
  ProgrammingError,
  UniqueViolation,
} from "adbapi";
import { describe, expect, test } from "vitest";
import type { Params } from "../../../drivers/driver.js";
import { describeDrivers, makeItems } from "../../support/mysql-drivers.js";

type ErrorClass = abstract new (...args: never[]) => AdbapiError;

describeDrivers("error_classes", (tools) => {
  const { driver, prefix, connect, run, rows, failure } = tools;
  makeItems(tools);

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
        run(connection, tools.isMariaDB ? "prepare s from ?" : "lock tables t read", ["x"]),
      );
      expect(error).toBeInstanceOf(NotSupportedError);
    });

    test("a SIGNAL with the SQLSTATE of a lost connection leaves the session as it is", async () => {
      const connection = await connect();
      await run(connection, `drop procedure if exists ${prefix}_signal`);
      await run(
        connection,
        `create procedure ${prefix}_signal() signal sqlstate '08006' set message_text = 'x'`,
      );
      for (const params of [undefined, []]) {
        const error = await failure(run(connection, `call ${prefix}_signal()`, params));
        expect(error.constructor).toBe(DatabaseError);
        expect(error).toMatchObject({ code: "ER_SIGNAL_EXCEPTION", sqlState: "08006" });
        expect(connection.state).toBe("idle");
      }
      expect(await rows(connection, "select ? as a", [1])).toEqual([{ a: 1 }]);
      await run(connection, `drop procedure ${prefix}_signal`);
    });

    test("a denied account", async () => {
      const error = await failure(connect({ user: "nobody_here", password: "s3cr3t-word" }));
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.message).toMatch(/cannot connect to .*:\d+/);
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
});
