/** Transactions, straight on the contract of a driver. */
import {
  DeadlockDetected,
  LockNotAvailable,
  OperationalError,
  SerializationFailure,
  TransactionAborted,
} from "adbapi";
import { describe, expect, test } from "vitest";
import { describeDrivers, makeItems } from "../../support/mysql-drivers.js";

describeDrivers("transactions", (tools) => {
  const { driver, prefix, connect, run, rows, failure } = tools;
  makeItems(tools);

  describe("transactions", () => {
    test("begin, commit and rollback", async () => {
      const connection = await connect();
      await connection.begin({});
      expect(connection.state).toBe("in transaction");
      await run(connection, `insert into ${prefix}_items values (60, 'sixty', 1, null, 1)`);
      await connection.rollback();
      expect(connection.state).toBe("idle");
      expect(await rows(connection, `select id from ${prefix}_items where id = 60`)).toEqual([]);
      await connection.begin({});
      await run(connection, `update ${prefix}_items set amount = 7 where id = ?`, [2]);
      await connection.commit();
      expect(connection.state).toBe("idle");
      const other = await connect();
      expect(await rows(other, `select amount from ${prefix}_items where id = 2`)).toEqual([{ amount: 7 }]);
    });

    test("isolation and read only", async () => {
      const writer = await connect();
      const reader = await connect();
      await reader.begin({ isolation: "read uncommitted", readOnly: true });
      await writer.begin({ isolation: "serializable" });
      await run(writer, `update ${prefix}_items set amount = 99 where id = 2`);
      expect(await rows(reader, `select amount from ${prefix}_items where id = 2`)).toEqual([{ amount: 99 }]);
      await writer.rollback();
      const error = await failure(run(reader, `update ${prefix}_items set amount = 1 where id = 2`));
      expect(error).toBeInstanceOf(OperationalError);
      await reader.rollback();
    });

    test("the state follows what the server says", async () => {
      const connection = await connect();
      const states: string[] = [];
      for (const sql of [
        "begin",
        "select 1",
        "selekt",
        "commit",
        "start transaction",
        `analyze table ${prefix}_items`,
        "/* one */ (select 1)",
        "/*!99999 */ start transaction",
        "/*! commit */",
        "set autocommit = 0",
        `select * from ${prefix}_items`,
        "rollback",
        "set autocommit = 1",
      ]) {
        await run(connection, sql).catch(() => {});
        states.push(connection.state);
      }
      const open = "in transaction";
      expect(states).toEqual([
        ...[open, open, open, "idle", open, "idle", "idle", open, "idle"],
        ...["unknown", open, "unknown", "idle"],
      ]);
    });

    test("DDL commits, and COMMIT then says so", async () => {
      const connection = await connect();
      await run(connection, `drop table if exists ${prefix}_ddl`);
      await connection.begin({});
      await run(connection, `create table ${prefix}_ddl (id int)`);
      expect(connection.state).toBe("idle");
      await expect(connection.commit()).rejects.toBeInstanceOf(TransactionAborted);
      await run(connection, `drop table ${prefix}_ddl`);
    });

    test("a deadlock ends the transaction of its victim", async () => {
      const [one, two] = [await connect(), await connect()];
      const update = `update ${prefix}_items set amount = amount + 1 where id = ?`;
      for (const connection of [one, two]) await connection.begin({});
      await run(one, update, [1]);
      await run(two, update, [2]);
      const attempts = [run(one, update, [2]), run(two, update, [1])];
      const results = await Promise.allSettled(attempts);
      const victim = results.findIndex(({ status }) => status === "rejected");
      const error = driver.translate((results[victim] as PromiseRejectedResult).reason);
      expect(error).toBeInstanceOf(DeadlockDetected);
      expect(error).toMatchObject({ code: "ER_LOCK_DEADLOCK", sqlState: "40001", retryable: true });
      const loser = [one, two][victim]!;
      expect(loser.state).toBe("idle");
      await expect(loser.commit()).rejects.toBeInstanceOf(TransactionAborted);
      await [one, two][1 - victim]!.rollback();
    });

    test("a lock that does not come in time", async () => {
      const [one, two] = [await connect(), await connect()];
      await one.begin({});
      await run(one, `update ${prefix}_items set amount = 5 where id = 1`);
      await run(two, "set innodb_lock_wait_timeout = 1");
      await two.begin({});
      const late = await failure(run(two, `update ${prefix}_items set amount = 6 where id = ?`, [1]));
      expect(late).toBeInstanceOf(LockNotAvailable);
      expect(late.retryable).toBe(true);
      const [[whole]] = (await run(one, "select @@innodb_rollback_on_timeout", undefined, "array")).rows as [
        [unknown],
      ];
      expect(two.state).toBe(Number(whole) === 0 ? "in transaction" : "idle");
      const refused = await failure(run(two, `select * from ${prefix}_items where id = 1 for update nowait`));
      expect(refused).toBeInstanceOf(LockNotAvailable);
      await two.rollback();
      await one.rollback();
    });

    test("a row that changed since the snapshot", async () => {
      const [one, two] = [await connect(), await connect()];
      if (
        !tools.isMariaDB ||
        (await run(one, "show variables like 'innodb_snapshot_isolation'")).rows.length === 0
      )
        return;
      await run(one, "set innodb_snapshot_isolation = 1");
      await one.begin({ isolation: "repeatable read" });
      await run(one, `select * from ${prefix}_items`);
      await run(two, `update ${prefix}_items set amount = amount + 1 where id = 2`);
      const error = await failure(run(one, `update ${prefix}_items set amount = 3 where id = 2`));
      expect(error).toBeInstanceOf(SerializationFailure);
      expect(error.retryable).toBe(true);
      await one.rollback();
    });
  });
});
