import { ConnectionPool, StatementTimeout } from "adbapi";
import { expect, test } from "vitest";
import type { Statement } from "../../drivers/driver.js";
import { answer, simpleDriver } from "../support/simple-driver.js";

test("a driver that does not settle what it destroyed keeps nobody waiting, nor its place in the pool", async () => {
  const driver = simpleDriver(() => ({
    execute: ({ sql }: Statement) =>
      sql === "never" ? new Promise(() => {}) : Promise.resolve(answer({ one: 1 })),
  }));
  await using pool = new ConnectionPool(driver, {}, { min: 0, max: 1 });
  const error = await pool
    .runQuery("never", undefined, { timeoutMillis: 20 })
    .then(undefined, (reason) => reason);
  expect(error).toBeInstanceOf(StatementTimeout);
  expect(error).toMatchObject({ outcome: "unknown" });
  expect(await pool.runQuery("select 1")).toEqual([{ one: 1 }]);
});
