/** Statements that are cancelled, and sessions that end. */
import { inspect } from "node:util";
import { ConnectionLost, OperationalError, StatementTimeout } from "adbapi";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeDrivers } from "../../support/mysql-drivers.js";

describeDrivers("interrupted", (tools) => {
  const { driver, connect, run, rows, failure } = tools;

  describe("cancel", () => {
    test("stops a sleeping statement, and harms no later one", async () => {
      const connection = await connect();
      const statement = {
        sql: "select * from information_schema.tables where sleep(60)",
        params: undefined,
        rowMode: "object",
      } as const;
      const work = connection.execute(statement).then(
        () => undefined,
        (error: unknown) => error,
      );
      await eventually(
        "it sleeps",
        async () =>
          (await connect().then((c) => rows(c, "show processlist"))).some((row) =>
            inspect(row).includes("sleep(60)"),
          ),
        true,
      );
      const { done, outcome } = connection.cancel!(statement);
      expect(outcome).toBe("unknown");
      await done;
      const error = await work;
      if (error !== undefined) {
        expect(driver.cancelled!(error, statement.sql)).toBe("not applied");
        expect(driver.translate(error)).toBeInstanceOf(OperationalError);
      }
      expect(connection.state).toBe("idle");
      expect(await rows(connection, "select 1 as a")).toEqual([{ a: 1 }]);
    });

    test("of what is not running does nothing", async () => {
      const connection = await connect();
      const statement = { sql: "select 1 as a", params: undefined, rowMode: "object" } as const;
      await connection.execute(statement);
      await connection.cancel!(statement).done;
      expect(await rows(connection, "select sleep(0.05) as s")).toEqual([{ s: 0 }]);
    });

    test("a time limit of the server's is a StatementTimeout", async () => {
      const connection = await connect();
      const sql = tools.isMariaDB
        ? "set statement max_statement_time = 0.05 for select count(*) from information_schema.columns where sleep(5)"
        : "select /*+ MAX_EXECUTION_TIME(50) */ count(*) from information_schema.columns a, information_schema.columns b, information_schema.columns c";
      expect(await failure(run(connection, sql))).toBeInstanceOf(StatementTimeout);
      expect(connection.state).toBe("idle");
    });
  });

  describe("loss", () => {
    test("killed while idle: told once", async () => {
      const lost: unknown[] = [];
      const connection = await connect({}, {}, (error) => lost.push(error));
      const killer = await connect();
      await run(killer, `kill ${connection.id}`);
      await eventually("state of a killed connection", () => connection.state, "broken");
      expect(lost).toHaveLength(1);
      expect(driver.translate(lost[0])).toBeInstanceOf(OperationalError);
      const error = await failure(run(connection, "select 1"));
      expect(error).toBeInstanceOf(ConnectionLost);
      expect((error as ConnectionLost).outcome).toBe("not sent");
      connection.destroy();
      expect(lost).toHaveLength(1);
    });

    test("killed in flight: what was sent is lost, its outcome unknown", async () => {
      const lost: unknown[] = [];
      const connection = await connect({}, {}, (error) => lost.push(error));
      const killer = await connect();
      const work = failure(run(connection, "select ?, sleep(60)", [1]));
      await eventually(
        "it sleeps",
        async () =>
          inspect(await rows(killer, "show processlist"), { maxArrayLength: null }).includes("sleep(60)"),
        true,
      );
      await run(killer, `kill ${connection.id}`);
      const error = await work;
      expect(error).toBeInstanceOf(ConnectionLost);
      expect((error as ConnectionLost).outcome).toBe("unknown");
      await eventually("losses", () => lost.length, 1);
      expect(connection.state).toBe("broken");
      expect(lost).toHaveLength(1);
    });

    test("destroy rejects what is in flight, and tells nobody", async () => {
      const lost: unknown[] = [];
      const connection = await connect({}, {}, (error) => lost.push(error));
      const work = failure(run(connection, "select sleep(60)"));
      connection.destroy();
      connection.destroy();
      expect(await work).toBeInstanceOf(ConnectionLost);
      expect(connection.state).toBe("broken");
      expect(lost).toEqual([]);
    });

    test("too large for the server: not sent, and the session goes on", async () => {
      const connection = await connect();
      const [limit] = (await run(connection, "select @@max_allowed_packet", undefined, "array")).rows[0] as [
        number,
      ];
      const text = "x".repeat(Number(limit) + 1);
      expect(await failure(run(connection, "select length(?) as n", [text]))).toBeInstanceOf(
        OperationalError,
      );
      expect(await failure(run(connection, `select '${text}'`))).toBeInstanceOf(OperationalError);
      expect(connection.state).toBe("idle");
      expect(await rows(connection, "select length(?) as n", ["x".repeat(100_000)])).toMatchObject([{}]);
    });

    test("close says goodbye behind what is in flight", async () => {
      const lost: unknown[] = [];
      const connection = await connect({}, {}, (error) => lost.push(error));
      const work = rows(connection, "select sleep(0.05) as s");
      await connection.close();
      expect(await work).toEqual([{ s: 0 }]);
      expect(connection.state).toBe("broken");
      expect(lost).toEqual([]);
    });
  });
});
