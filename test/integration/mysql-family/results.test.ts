/** Rows, counts, keys and params, straight on the contract of a driver. */
import { DataError, ProgrammingError } from "adbapi";
import { describe, expect, test } from "vitest";
import { describeDrivers } from "../../support/mysql-drivers.js";

describeDrivers("results", (tools) => {
  const { driver, prefix, connect, run, rows, failure } = tools;

  describe("results", () => {
    test("rows, columns and counts, with params and without", async () => {
      const connection = await connect();
      const expected = { rows: [{ a: 1, b: "x" }], rowCount: 1, lastInsertId: undefined };
      expect(await run(connection, "select 1 as a, 'x' as b")).toMatchObject(expected);
      const bound = await run(connection, "select cast(? as signed) + 0 as a, ? as b", [1, "x"]);
      expect(bound.columns).toEqual([
        { name: "a", columnType: 8 },
        { name: "b", columnType: 253 },
      ]);
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
      expect((await run(connection, sql, params)).columns[0]).toEqual({ name: "__proto__", columnType: 253 });
      expect((await run(connection, sql, params, "array")).rows).toEqual([["y", "c", "s", 1]]);
    });

    test("a procedure gives its first rows", async () => {
      const connection = await connect();
      await run(connection, `drop procedure if exists ${prefix}_work`);
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
      expect(await failure(run(connection, `select ${large} as n, ? as x`, ["x"]))).toBeInstanceOf(DataError);
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
});
