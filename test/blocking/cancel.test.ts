import { describe, expect, it } from "vitest";
import { untilThreadWorks } from "../support/busy-thread.js";
import { sqliteDrivers, ThreadTester, temporaryFile } from "../support/thread-connections.js";

const ENDLESS =
  "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n where i % 1000 = 0";

/** Gives no row before its end, some seconds later: nothing can stop SQLite in there. */
const DEAF =
  "with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000000) select count(*) as n from n";
const DEAF_WRITE = `insert into t ${DEAF}`;

for (const driver of sqliteDrivers) {
  describe(`${driver.name}: cancel`, () => {
    it("stops a query between two rows, and the connection goes on", async () => {
      const test = await ThreadTester.open(driver);
      const statement = test.statement(ENDLESS);
      const running = test.connection.execute(statement);
      const behind = test.execute("select 1 as one");
      await untilThreadWorks();
      const cancellation = test.connection.cancel!(statement);
      expect(cancellation.outcome).toBe("not applied");
      const error = await running.catch((reason) => reason);
      expect(driver.cancelled!(error, statement.sql)).toBe("not applied");
      await cancellation.done;
      expect((await behind).rows).toEqual([{ one: 1 }]);
      expect(test.connection.state).toBe("idle");
      expect(driver.retiredThreads).toBe(0);
    });

    it("is not mistaken for deaf when it is the pool's own thread that is late", async () => {
      const test = await ThreadTester.open(driver);
      const statement = test.statement(ENDLESS);
      const running = test.connection.execute(statement);
      const behind = test.execute("select 1 as one");
      await untilThreadWorks();
      // From here on the timers have their turn before the messages.
      await new Promise((resolve) => setImmediate(resolve));
      const { outcome } = test.connection.cancel!(statement);
      const until = performance.now() + 400;
      while (performance.now() < until);
      await running.catch((reason) => expect(driver.cancelled!(reason, statement.sql)).toBe(outcome));
      expect((await behind).rows).toEqual([{ one: 1 }]);
      expect(test.connection.state).toBe("idle");
    });

    it("takes back what was not sent yet, and what waits in the thread", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (a)");
      const [unsent, first] = [test.statement("insert into t values (1)"), test.statement(ENDLESS)];
      const never = test.connection.execute(unsent);
      expect(test.connection.cancel!(unsent).outcome).toBe("not sent");
      expect(driver.cancelled!(await never.catch((reason) => reason), unsent.sql)).toBe("not applied");
      const running = test.connection.execute(first);
      const queued = test.statement("insert into t values (2)");
      const waiting = test.connection.execute(queued);
      await untilThreadWorks();
      const cancellation = test.connection.cancel!(queued);
      expect(cancellation.outcome).toBe("not sent");
      await waiting.catch((reason) => expect(driver.cancelled!(reason, queued.sql)).toBe("not applied"));
      test.connection.cancel!(first);
      await running.catch(() => {});
      expect(await test.rows("select a from t")).toEqual([]);
    });

    it("frees the cursor of a stream whose next batch was taken back unsent", async () => {
      const test = await ThreadTester.open(driver);
      const statement = test.statement("select 1 as one union all select 2 union all select 3");
      const rows = test.connection.stream!(statement, 1);
      await rows.next();
      const never = rows.next();
      await Promise.resolve();
      expect(test.connection.cancel!(statement).outcome).toBe("not sent");
      await expect(never).rejects.toThrow("cancelled");
      expect(await rows.next()).toEqual({ done: true, value: undefined });
      expect(await test.rows(statement.sql)).toHaveLength(3);
      await test.execute("create table t (a)"); // an open cursor would hold its lock
    });

    it("gives up the thread of a query that cannot be stopped, and says when that has ended", async () => {
      const test = await ThreadTester.open(driver);
      const statement = test.statement(DEAF);
      const running = test.connection.execute(statement);
      const behind = test.failure(test.execute("select 1 as one"));
      await untilThreadWorks();
      const cancellation = test.connection.cancel!(statement);
      const error = await running.catch((reason) => reason);
      expect(driver.cancelled!(error, statement.sql)).toBe("not applied");
      await cancellation.done;
      expect(test.connection.state).toBe("broken");
      expect(driver.retiredThreads).toBe(1);
      expect(await behind).toMatchObject({ name: "ConnectionLost", outcome: "not sent" });
      await test.connection.ended;
      expect(driver.retiredThreads).toBe(0);
      expect(test.lost).toEqual([]);
    });

    it("knows that a write is not applied whose cancel came before its COMMIT", async () => {
      const file = temporaryFile();
      const [test, other] = [
        await ThreadTester.open(driver, [file]),
        await ThreadTester.open(driver, [file]),
      ];
      await test.execute("create table t (n)");
      const statement = test.statement(DEAF_WRITE);
      const running = test.connection.execute(statement);
      await untilThreadWorks();
      expect(test.connection.cancel!(statement).outcome).toBe("not applied");
      expect(driver.cancelled!(await running.catch((reason) => reason), statement.sql)).toBe("not applied");
      await test.connection.ended;
      expect(await other.rows("select * from t")).toEqual([]);
      await other.execute("insert into t values (1)");
    });

    it("comes too late for what has been answered", async () => {
      const test = await ThreadTester.open(driver);
      const statement = test.statement("select 1");
      await test.connection.execute(statement);
      const cancellation = test.connection.cancel!(statement);
      expect(cancellation.outcome).toBe("unknown");
      await cancellation.done;
      expect(test.connection.state).toBe("idle");
    });

    it("promises nothing of a transaction's write, which stays in it when it ends in time", async () => {
      const test = await ThreadTester.open(driver);
      await test.execute("create table t (n)");
      const write = test.statement(
        "insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) select i from n returning n",
      );
      for (let round = 0; round < 10; round++) {
        await test.connection.begin({});
        const before = await test.rows("select count(*) as n from t");
        const running = test.connection.execute(write).then(
          () => "done",
          () => "failed",
        );
        await new Promise((resolve) => setTimeout(resolve, round));
        const { outcome, done } = test.connection.cancel!(write);
        await Promise.all([running, done]);
        if (test.connection.state === "broken") return; // it took too long on this machine, and its thread was given up
        const after = await test.rows("select count(*) as n from t");
        if (outcome === "not applied" || outcome === "not sent") expect(after).toEqual(before);
        await test.connection.commit();
      }
    });

    it("leaves a transaction open, to be rolled back", async () => {
      const test = await ThreadTester.open(driver);
      await test.connection.begin({});
      const statement = test.statement(ENDLESS);
      const running = test.connection.execute(statement);
      await untilThreadWorks();
      test.connection.cancel!(statement);
      await expect(running).rejects.toThrow(/cancelled/);
      expect(test.connection.state).toBe("in transaction");
      await test.connection.rollback();
      expect(test.connection.state).toBe("idle");
    });
  });

  describe(`${driver.name}: destroy and close`, () => {
    it("rejects at once what is in flight, and lets go of the database when SQLite returns", async () => {
      const file = temporaryFile();
      const [test, other] = [
        await ThreadTester.open(driver, [file]),
        await ThreadTester.open(driver, [file]),
      ];
      await test.execute("create table t (n)");
      await test.connection.begin({});
      const running = test.failure(test.execute(DEAF_WRITE));
      await untilThreadWorks();
      test.connection.destroy();
      test.connection.destroy();
      expect(test.connection.state).toBe("broken");
      expect(await running).toMatchObject({ name: "ConnectionLost", outcome: "not applied" });
      expect(await test.failure(test.execute("select 1"))).toMatchObject({
        name: "ConnectionLost",
        outcome: "not sent",
      });
      await test.connection.ended;
      await other.execute("insert into t values (1)");
      expect(await other.rows("select n from t")).toEqual([{ n: 1 }]);
    });

    it("closes after what was asked before, however much it is", async () => {
      const test = await ThreadTester.open(driver);
      const asked = Array.from({ length: 200 }, (_, at) => test.execute("select ? as n", [at]));
      const closed = test.connection.close();
      const last = (await Promise.all(asked)).at(-1)!;
      expect(last.rows).toEqual([{ n: 199 }]);
      await closed;
      await test.connection.close();
      expect(test.lost).toEqual([]);
      expect(test.connection.state).toBe("broken");
    });
  });
}
