/** Lists of params, straight on the contract of a driver. */
import { ProgrammingError, UniqueViolation } from "adbapi";
import { describe, expect, test } from "vitest";
import { describeDrivers } from "../../support/mysql-drivers.js";

describeDrivers("execute_many", (tools) => {
  const { connect, run, rows, failure } = tools;

  describe("executeMany", () => {
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
});
