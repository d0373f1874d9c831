/** B39: what sets up a new connection fails, or hangs. */
import { OperationalError } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

test("B39 openfun throws: the connection is discarded, the taker sees its error, the next one is fine", () => {
  const own = new Error("of openfun");
  let fails = true;
  const openfun = () => {
    if (fails) throw own;
  };
  return withScripted({ pool: { openfun } }, async (pool, server, listen) => {
    const ear = listen(pool.runQuery("select 1"));
    await eventually("the failure", () => ear.fired, 1);
    expect(ear.error).toBeInstanceOf(OperationalError);
    expect(ear.error.cause).toBe(own);
    expect(server.open).toBe(0);
    expect(server.executed).toEqual([]);
    fails = false;
  });
});

test("B39 a statement of openfun fails: the same", () =>
  withScripted(
    { pool: { openfun: (connection) => connection.cursor().execute("set x") } },
    async (pool, server, listen) => {
      const own = new Error("no such setting");
      server.next("execute", gate.err(own));
      const ear = listen(pool.runQuery("select 1"));
      await eventually("the failure", () => ear.fired, 1);
      expect((ear.error.cause as Error).cause).toBe(own);
      expect(server.open).toBe(0);
      await pool.runQuery("select 2");
      expect(server.executed).toEqual(["set x", "set x", "select 2"]);
    },
  ));

test.each([
  ["openfun hangs", () => new Promise(() => {}), gate.ok],
  [
    "a statement of openfun hangs",
    (c: { cursor(): { execute(sql: string): unknown } }) => c.cursor().execute("set x"),
    gate.never,
  ],
] as const)("B39 %s: bounded, discarded", (_, openfun, execute) =>
  withScripted({ pool: { openfun, acquireTimeoutMillis: 300 } }, async (pool, server, listen) => {
    server.next("execute", execute);
    const ear = listen(pool.runQuery("select 1"));
    await eventually("the failure", () => ear.fired, 1, 2_000);
    expect(server.open).toBe(0);
    expect(pool.stats.size).toBe(0);
    await pool.close({ timeoutMillis: 100 });
  }),
);

test("B39 openfun uses the pool itself at max 1: no deadlock without end", () => {
  const reenter = { pool: undefined as undefined | { runQuery(sql: string): PromiseLike<unknown> } };
  const openfun = () => reenter.pool?.runQuery("select inner");
  return withScripted(
    { pool: { max: 1, openfun, acquireTimeoutMillis: 200 } },
    async (pool, _server, listen) => {
      reenter.pool = pool;
      const ear = listen(pool.runQuery("select outer"));
      await eventually("the failure", () => ear.fired, 1, 2_000);
      reenter.pool = undefined;
    },
  );
});
