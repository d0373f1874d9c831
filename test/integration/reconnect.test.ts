/** Connections that die, and servers that go and come back. */
import { ConnectionLost, ConnectionPool, OperationalError, ProgrammingError } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { Forwarder } from "../support/forwarder.js";
import { describeEach, SERVER_TARGETS, withPool } from "../support/targets.js";

describeEach(SERVER_TARGETS, (target) => {
  test.runIf(target.ownSessions)(
    "a connection that died idle has left the pool when the next statement comes",
    () =>
      withPool(target, { min: 1, max: 1 }, async (pool, database) => {
        await pool.runQuery("select 1");
        await database.killSessions();
        await eventually("losses", () => pool.stats.losses, 1);
        expect(await pool.runQuery("select 1 as x")).toEqual([{ x: 1 }]);
        // And an error of the statement's own is no lost connection.
        await expect(pool.runQuery("select * from notable")).rejects.toBeInstanceOf(ProgrammingError);
      }),
  );

  test("a statement in flight when its connection dies fails, and is not sent again", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      const query = pool.runQuery(target.endlessSql);
      const answered = query.catch((reason: unknown) => reason);
      await eventually("running", () => pool.stats.inUse, 1);
      await eventually("sessions", () => database.countSessions(), 1);
      await database.killSessions();
      expect(await answered).toBeInstanceOf(ConnectionLost);
      expect(await pool.runQuery("select 1 as x")).toEqual([{ x: 1 }]);
    }));

  test.runIf(target.sessionIdSql)(
    "an interaction whose connection dies fails as a whole; with retries it is run again",
    () =>
      withPool(target, { max: 2 }, async (pool, database) => {
        await pool.runOperation("create table visits (n integer)");
        const killed = (retries: number) => {
          let first = true;
          return pool.runInteraction({ retries }, async (transaction) => {
            await transaction.runOperation("insert into visits values (1)");
            const [session] = await transaction.runQuery<{ id: unknown }>(target.sessionIdSql!);
            if (first) await database.killSession(session!.id);
            first = false;
            await transaction.runOperation("insert into visits values (2)");
          });
        };
        await expect(killed(0)).rejects.toMatchObject({
          outcome: expect.stringMatching(/^not (sent|applied)$/),
        });
        expect(await pool.runQuery("select * from visits")).toEqual([]);
        await killed(1);
        expect(await pool.runQuery("select n from visits order by n")).toEqual([{ n: 1 }, { n: 2 }]);
      }),
  );

  test("a server that is away fails statements at once; once it is there, the next one works", async () => {
    await using database = await target.createDatabase();
    await using forwarder = await Forwarder.before(database.connectArgs);
    forwarder.refuse();
    await using pool = new ConnectionPool(target.name, forwarder.through(database.connectArgs), { max: 2 });
    for (let n = 0; n < 3; n++)
      await expect(pool.runQuery("select 1")).rejects.toBeInstanceOf(OperationalError);
    await forwarder.accept();
    expect(await pool.runQuery("select 1 as x")).toEqual([{ x: 1 }]);
    expect(await pool.runQuery("select 2 as x")).toEqual([{ x: 2 }]);
  });

  test("after every connection was cut, the pool is back by itself", async () => {
    await using database = await target.createDatabase();
    await using forwarder = await Forwarder.before(database.connectArgs);
    await using pool = new ConnectionPool(target.name, forwarder.through(database.connectArgs), {
      min: 3,
      max: 3,
    });
    await pool.start();
    await forwarder.cut();
    await eventually("losses", () => pool.stats.losses, 3);
    await eventually("size", () => pool.stats.size, 3);
    expect(await pool.runQuery("select 1 as x")).toEqual([{ x: 1 }]);
  });
});
