/** What a driver reads in the text of a statement. */
import { describe, expect, test } from "vitest";
import { describeDrivers } from "../../support/mysql-drivers.js";

describeDrivers("statement_texts", (tools) => {
  const { driver } = tools;

  describe("texts", () => {
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
      for (const sql of ["select * from t where id in (?, ?)", "select count(*) from t join (select 1) u"]) {
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
