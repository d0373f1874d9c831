/** B39: what sets up a new connection fails, or hangs. */
import { type Connection, OperationalError, ProgrammingError } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { describeEach, TARGETS, withPool } from "../support/targets.js";
import { Ear, quiet, withScripted } from "../support/with-scripted.js";

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

describeEach(TARGETS, (target) => {
  const options = { min: 0, max: 1, logger: quiet };

  test("B39 openfun throws: each waiter gets its error as cause, nothing stays open, and the next connection is fine", () => {
    const bug = new Error("a bug of openfun's");
    let fails = true;
    const openfun = () => (fails ? Promise.reject(bug) : undefined);
    return withPool(target, { ...options, openfun }, async (pool, database) => {
      const ears = [pool.runQuery("select 1 as v"), pool.runInteraction(() => {})].map(
        (asked) => new Ear(asked),
      );
      await eventually("answers", () => ears.filter((ear) => ear.fired).length, 2);
      for (const { error } of ears) {
        expect(error).toBeInstanceOf(OperationalError);
        expect(error.cause).toBe(bug);
      }
      await eventually("sessions", () => database.countSessions(), 0);
      fails = false;
      expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
    });
  });

  test("B39 a statement of openfun fails: its error is the cause", () => {
    const openfun = (connection: Connection) => connection.cursor().execute("no such sql");
    return withPool(target, { ...options, openfun }, async (pool) => {
      const ear = new Ear(pool.runQuery("select 1 as v"));
      await eventually("the answer", () => ear.fired, 1);
      expect(ear.error.cause).toBeInstanceOf(ProgrammingError);
    });
  });

  test("B39 openfun hangs, itself or in a statement: the taker hears in time, and the next connection is fine", () => {
    const hangs = [
      () => new Promise<void>(() => {}),
      (connection: Connection) => connection.cursor().execute(target.sleepSql?.(2) ?? target.endlessSql),
    ];
    const openfun = (connection: Connection) => hangs.shift()?.(connection);
    return withPool(target, { ...options, openfun, acquireTimeoutMillis: 1_000 }, async (pool) => {
      for (const _ of [1, 2]) {
        const ear = new Ear(pool.runQuery("select 1 as v"));
        await eventually("the answer", () => ear.fired, 1);
        expect(ear.error).toBeInstanceOf(Error);
      }
      await eventually(
        "works",
        () =>
          pool
            .runQuery("select 1 as v")
            .then(() => true)
            .catch(() => false),
        true,
      );
    });
  });

  test("B39 a statement that openfun does not await fails: as if it had been awaited", () => {
    const openfun = (connection: Connection) => void connection.cursor().execute("no such sql");
    return withPool(target, { ...options, openfun }, async (pool) => {
      const ear = new Ear(pool.runQuery("select 1 as v"));
      await eventually("the answer", () => ear.fired, 1);
      expect(ear.error.cause).toBeInstanceOf(ProgrammingError);
    });
  });

  test("B39 what openfun does not await is done and committed before anyone has the connection", () => {
    const openfun = async (connection: Connection) => {
      await connection.cursor().execute("create table if not exists made (id integer)");
      void connection.cursor().execute("insert into made values (1)");
    };
    return withPool(target, { ...options, openfun }, async (pool, database) => {
      expect(await pool.runQuery("select id from made")).toEqual([{ id: 1 }]);
      expect(await database.observe("select id from made")).toMatchObject([{ id: 1 }]);
    });
  });
});
