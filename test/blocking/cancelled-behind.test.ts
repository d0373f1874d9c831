import { CancelledError, ConnectionPool } from "adbapi";
import { describe, expect, test } from "vitest";
import { sqliteDrivers, temporaryFile } from "../support/thread-connections.js";

const SLOW =
  "with recursive c(n) as (select 1 union all select n + 1 from c where n < ?) select count(*) as n from c";

describe.each(sqliteDrivers.map((driver) => [driver.name, driver] as const))("%s", (_, driver) => {
  test("a statement is answered though one behind it was cancelled before its turn", async () => {
    await using pool = new ConnectionPool(driver, temporaryFile(), { min: 1, max: 1 });
    await pool.runOperation("create table items (id integer)");
    for (let n = 0; n < 3; n++) await pool.runQuery(SLOW, [1]);
    for (let round = 0; round < 20; round++) {
      const ahead = pool.runQuery(SLOW, [20_000]);
      const behind = [1, 2, 3].map((id) => pool.runQuery("select ? as id", [id]));
      for (const statement of behind) statement.cancel();
      expect(await ahead).toEqual([{ n: 20_000 }]);
      for (const statement of behind) {
        await expect(statement.toPromise()).rejects.toBeInstanceOf(CancelledError);
      }
    }
    const writes = [1, 2, 3, 4].map((id) => pool.runOperation("insert into items values (?)", [id]));
    writes[1]?.cancel();
    writes[3]?.cancel();
    const answers = await Promise.allSettled(writes.map((write) => write.toPromise()));
    for (const n of [0, 2]) expect(answers[n]).toMatchObject({ status: "fulfilled" });
  });
});
