/** Sessions of one's own: statements on their own, transactions by name, and how a loss is heard. */
import { ConnectionLost, InterfaceError, ProgrammingError } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type UsePool, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into visits values (?)");
  const visits = "select n from visits order by n";
  const withVisits = (use: UsePool<void>) =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation("create table visits (n integer)");
      await use(pool, database);
    });

  test("statements are on their own, and what the function gave is what it fires with", () =>
    withVisits(async (pool, database) => {
      const given = pool.runWithSession(async (session, n: number) => {
        expect(await session.runOperation(insert, [n])).toMatchObject({ rowCount: 1 });
        expect(await database.observe(visits)).toHaveLength(1);
        expect(await session.runQuery(visits)).toEqual([{ n: 7 }]);
        expect(await session.runQuery(visits, [], { rowMode: "array" })).toEqual([[7]]);
        const rows = [];
        for await (const row of session.runStream(visits)) rows.push(row);
        expect(rows).toEqual([{ n: 7 }]);
        await session.runScript("insert into visits values (8); insert into visits values (9)");
        return rows.length;
      }, 7);
      expect(await given).toBe(1);
      expect(await database.observe(visits)).toHaveLength(3);
    }));

  test("a transaction is begun and ended by name, one after the other", () =>
    withVisits(async (pool, database) => {
      await pool.runWithSession(async (session) => {
        await session.begin();
        await session.runOperation(insert, [1]);
        expect(await database.observe(visits)).toEqual([]);
        await session.commit();
        expect(await database.observe(visits)).toHaveLength(1);
        await session.begin({ isolation: "serializable" });
        await session.runOperation(insert, [2]);
        await session.rollback();
        await session.runOperation(insert, [3]);
        await expect(session.begin({ retries: 1 } as never)).rejects.toBeInstanceOf(InterfaceError);
        await expect(session.begin({ isolation: "none" } as never)).rejects.toBeInstanceOf(InterfaceError);
        await session.begin();
        await expect(session.begin()).rejects.toThrow(/open already/);
        await session.rollback();
      });
      expect(await pool.runQuery(visits)).toEqual([{ n: 1 }, { n: 3 }]);
    }));

  test("B48 a transaction that is left open is rolled back, and said", () =>
    withVisits(async (pool) => {
      const left = pool.runWithSession(async (session) => {
        await session.begin();
        await session.runOperation(insert, [1]);
      });
      await expect(left).rejects.toBeInstanceOf(ProgrammingError);
      const thrown = pool.runWithSession(async (session) => {
        await session.runOperation(insert, [2]);
        await session.begin();
        await session.runOperation(insert, [3]);
        throw new Error("enough");
      });
      await expect(thrown).rejects.toThrow("enough");
      expect(await pool.runQuery(visits)).toEqual([{ n: 2 }]);
    }));

  test("B48 options of a transaction are refused, and a use afterwards too", () =>
    withVisits(async (pool) => {
      for (const options of [{ isolation: "serializable" }, { retries: 1 }, { max: 1 }]) {
        await expect(pool.runWithSession(options as never, () => 1)).rejects.toBeInstanceOf(InterfaceError);
      }
      const kept = await pool.runWithSession({ timeoutMillis: 20_000 }, (session) => [session]);
      await expect(kept[0]!.runQuery(visits)).rejects.toBeInstanceOf(InterfaceError);
    }));

  test.runIf(target.ownSessions && target.sessionIdSql !== undefined)(
    "a discarded session is closed, and another takes its place",
    () =>
      withVisits(async (pool) => {
        const idOf = async (session: { runQuery<Row>(sql: string): PromiseLike<Row[]> }) =>
          (await session.runQuery<{ id: unknown }>(target.sessionIdSql!))[0]!.id;
        const kept = await pool.runWithSession((session) => idOf(session));
        const left = await pool.runWithSession((session) => {
          session.discard();
          return idOf(session);
        });
        expect(left).toEqual(kept);
        expect(await idOf(pool)).not.toEqual(kept);
      }),
  );

  test.runIf(target.ownSessions && target.sessionIdSql !== undefined)(
    "signals say that the connection is lost, once, and only while it is lent",
    () =>
      withVisits(async (pool, database) => {
        const heard = async (signal: AbortSignal, id: unknown) => {
          expect(signal.aborted).toBe(false);
          const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          await database.killSession(id);
          await aborted;
          expect(signal.reason).toBeInstanceOf(ConnectionLost);
        };
        const ofSession = pool.runWithSession(async (session) => {
          const [row] = await session.runQuery<{ id: unknown }>(target.sessionIdSql!);
          await heard(session.signal, row!.id);
          expect(session.signal.aborted).toBe(true);
        });
        await ofSession;
        const ofTransaction = pool.runInteraction(async (transaction) => {
          const [row] = await transaction.runQuery<{ id: unknown }>(target.sessionIdSql!);
          await heard(transaction.signal, row!.id);
        });
        await expect(ofTransaction).rejects.toBeInstanceOf(ConnectionLost);
        let kept: AbortSignal | undefined;
        const id = await pool.runWithConnection(async (connection) => {
          kept = connection.signal;
          const cursor = connection.cursor();
          await cursor.execute(target.sessionIdSql!);
          return (await cursor.fetchOne<{ id: unknown }>())!.id;
        });
        await database.killSession(id);
        await pool.runQuery(visits).addErrback(() => {});
        expect(kept!.aborted).toBe(false);
      }),
  );

  test("a result has the command and its columns their types", () =>
    withVisits(async (pool) => {
      expect(await pool.runStatement(insert, [1])).toMatchObject({
        command: "INSERT",
        rowCount: 1,
        columns: [],
      });
      expect(await pool.runStatement(" /* x */ update visits set n = 2")).toMatchObject({
        command: "UPDATE",
      });
      const { command, columns } = await pool.runStatement("select n from visits");
      expect(command).toBe("SELECT");
      const [column] = columns;
      expect(column!.name).toBe("n");
      if (target.server === "postgres") expect(column!.dataTypeID).toBe(23);
      else if (target.server !== undefined) expect(column!.columnType).toBe(3);
      const created = await pool.runStatement("create table others (n integer)");
      expect(created.command).toMatch(/^CREATE/);
      if (target.server === "postgres") {
        const behind = "with gone as (delete from visits returning n) insert into others select n from gone";
        expect(await pool.runStatement(behind)).toMatchObject({ command: "INSERT", rowCount: 1 });
      }
      await pool.runInteraction(async (transaction) => {
        expect(await transaction.runStatement("delete from visits")).toMatchObject({ command: "DELETE" });
      });
    }));
});
