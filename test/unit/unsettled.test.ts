import { ConnectionPool, type Driver, StatementTimeout } from "adbapi";
import { expect, test } from "vitest";

test("a driver that does not settle what it destroyed keeps nobody waiting, nor its place in the pool", async () => {
  const answer = { rows: [{ one: 1 }], rowCount: 1, lastInsertId: undefined, columns: [] };
  const driver: Driver = {
    name: "unsettled",
    paramstyle: "qmark",
    pipeline: 1,
    translate: (error) => error as never,
    connect: async () => ({
      native: undefined,
      id: undefined,
      state: "idle" as const,
      execute: ({ sql }) => (sql === "never" ? new Promise(() => {}) : Promise.resolve(answer)),
      begin: async () => {},
      commit: async () => {},
      rollback: async () => {},
      ping: async () => {},
      close: async () => {},
      destroy: () => {},
    }),
  };
  await using pool = new ConnectionPool(driver, {}, { min: 0, max: 1 });
  const error = await pool
    .runQuery("never", undefined, { timeoutMillis: 20 })
    .then(undefined, (reason) => reason);
  expect(error).toBeInstanceOf(StatementTimeout);
  expect(error).toMatchObject({ outcome: "unknown" });
  expect(await pool.runQuery("select 1")).toEqual([{ one: 1 }]);
});
