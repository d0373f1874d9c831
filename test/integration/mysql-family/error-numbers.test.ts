/**
 * MySQL and MariaDB have each a table of errors of their own: what a number means, and its name, is said by who sent
 * it.
 */
import { type AddressInfo, createServer } from "node:net";
import { CheckViolation, ConnectionPool, OperationalError, ProgrammingError } from "adbapi";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { translate } from "../../../drivers/mariadb/errors.js";
import { isInterrupted } from "../../../drivers/mysql-family/errors/conditions.js";
import { productOf, sentBy } from "../../../drivers/mysql-family/errors/sender.js";
import { objectOf } from "../../support/mysql-targets.js";
import { selectedTargets } from "../../support/selection.js";
import { type OwnServer, ownServer, serverUrl } from "../../support/servers.js";

describe.runIf(serverUrl("mariadb") !== undefined)("MariaDB", () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await ownServer("mariadb");
    await using root = new ConnectionPool("mariadb", server.url.replace(/^mysql/, "mariadb"), { max: 1 });
    for (const sql of [
      "create user guest@'%' identified by 'g'",
      "grant all on *.* to guest@'%'",
      "create table t (a int check (a > 0))",
      "create user locked@'%' identified by 'g' account lock",
    ])
      await root.runOperation(sql);
  }, 120_000);
  afterAll(() => server?.close());

  describe.each(["mysql2", "mariadb"] as const)("%s", (driver) => {
    const runs = test.runIf(selectedTargets().includes(driver));
    const open = (user = "guest") => {
      const own = { ...objectOf(server.url), user, password: "g" };
      return new ConnectionPool(driver, own, { min: 1, max: 1 });
    };

    const CASES = [
      ["insert into t values (-1)", CheckViolation, "ER_CONSTRAINT_FAILED"],
      ["select nextval(nothing)", ProgrammingError, "ER_UNKNOWN_SEQUENCES"],
      [
        "create trigger g before insert on t for each row follows nothing set new.a = 1",
        ProgrammingError,
        "ER_REFERENCED_TRG_DOES_NOT_EXIST",
      ],
      [
        "select ntile(0) over (order by a) from (select 1 as a) as x",
        OperationalError,
        "ER_INVALID_NTILE_ARGUMENT",
      ],
    ] as const;

    runs.each(CASES)("%s", async (sql, errorClass, code) => {
      await using pool = open();
      const ways = {
        alone: () => pool.runOperation(sql),
        "in a stream": async () => {
          for await (const _row of pool.runStream(sql));
        },
        "in an interaction": () => pool.runInteraction((transaction) => transaction.runOperation(sql)),
      };
      for (const [way, ask] of Object.entries(ways)) {
        const error = await Promise.resolve(ask()).catch((reason: unknown) => reason);
        expect(error, way).toBeInstanceOf(errorClass);
        expect(error, way).toMatchObject({ code, constructor: errorClass });
      }
      expect(pool.stats).toMatchObject({ connects: 1, losses: 0 });
    });

    runs("who is not let in hears it by the name that the server has for it", async () => {
      await using pool = open("locked");
      await expect(pool.start()).rejects.toMatchObject({
        name: "OperationalError",
        code: "ER_ACCOUNT_HAS_BEEN_LOCKED",
      });
    });

    runs.each([
      ["a statement of its own that nobody has prepared", "execute nothing", undefined],
      ["one that needs to be prepared anew", "signal sqlstate '45000' set mysql_errno = 1615", undefined],
      ["no room for a statement of its own", "signal sqlstate '45000' set mysql_errno = 1461", "unknown"],
    ])("a procedure that fails at %s is run once", async (_what, fails, outcome) => {
      await using pool = open();
      await pool.runOperation("create or replace table done (a int)");
      await pool.runOperation(
        `create or replace procedure p(x int) begin insert into done values (x); commit; ${fails}; end`,
      );
      const ways = {
        alone: () => pool.runOperation("call p(?)", [1]),
        "in arrays": () => pool.runQuery("call p(?)", [1], { rowMode: "array" }),
        "in a stream": async () => {
          for await (const _row of pool.runStream("call p(?)", [1]));
        },
        "in a lot": () =>
          pool.runWithConnection((connection) =>
            connection.cursor().executeMany("call p(?)", new Array(8).fill([1])),
          ),
      };
      for (const [way, ask] of Object.entries(ways)) {
        const error = await Promise.resolve(ask()).catch((reason: unknown) => reason);
        expect(error, way).toBeInstanceOf(OperationalError);
        if (way === "alone") expect((error as { outcome?: string }).outcome).toBe(outcome);
        const [row] = await pool.runQuery("select count(*) as n from done");
        expect(Number(row!.n), way).toBe(1);
        await pool.runOperation("delete from done");
      }
    });

    runs("where the server has no room for one more prepared statement, one of ours makes room", async () => {
      await using pool = open();
      await using other = open();
      for (let n = 0; n < 10; n++) await pool.runQuery(`select ? as a, ${n} as b`, [n]);
      const [row] = await pool.runQuery<{ n: number }>(
        "select variable_value as n from information_schema.global_status where variable_name = 'prepared_stmt_count'",
      );
      const [before] = await other.runQuery<{ n: number }>("select @@max_prepared_stmt_count as n");
      await other.runOperation(`set global max_prepared_stmt_count = ${Number(row!.n)}`);
      try {
        for (let n = 10; n < 40; n++)
          expect(await pool.runQuery(`select ? as a, ${n} as b`, [n])).toHaveLength(1);
        // A session that has none of its own.
        await using third = open();
        expect(await third.runQuery("select ? as a, 'third' as b", [1])).toHaveLength(1);
        for await (const row of third.runStream("select ? as a, 'streamed' as b", [1]))
          expect(row).toMatchObject({ b: "streamed" });
        expect(pool.stats).toMatchObject({ connects: 1, losses: 0 });
        expect(await pool.runQuery("select ? as a, 39 as b", [1])).toHaveLength(1);
        await other.runOperation("set global max_prepared_stmt_count = 0");
        const error = await other.runQuery("select ? as a", [1]).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(OperationalError);
        expect(error).toMatchObject({ retryable: true, code: "ER_MAX_PREPARED_STMT_COUNT_REACHED" });
        expect((error as Error).message).toMatch(/raise it at the server/);
      } finally {
        await other.runOperation(`set global max_prepared_stmt_count = ${Number(before!.n)}`);
      }
    });
  });
});

describe.each(["mysql2", "mariadb"] as const)("%s: turned away without a greeting", (driver) => {
  test.runIf(selectedTargets().includes(driver)).each([
    [1040, "ER_CON_COUNT_ERROR"],
    [3159, "ER_SECURE_TRANSPORT_REQUIRED"],
    // Another error's number to each of the servers.
    [4151, "4151"],
    [4031, "4031"],
  ])("%i is %s", async (number, code) => {
    const body = Buffer.from(`\xff\0\0#HY000go away`, "latin1");
    body.writeUInt16LE(number, 1);
    const server = createServer((socket) => {
      socket.on("error", () => {}).end(Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await using pool = new ConnectionPool(driver, { host: "127.0.0.1", port }, { min: 1, max: 1 });
    await expect(pool.start()).rejects.toMatchObject({ name: "OperationalError", code });
  });
});

describe("by the sender's version", () => {
  const fault = (errno: number, code: string) =>
    Object.assign(new Error("said"), { errno, code, sqlState: "HY000" });

  test("4031 is a loss on MySQL, and none on MariaDB; a name of the other table is not kept", () => {
    const lost = sentBy(fault(4031, "ER_REFERENCED_TRG_DOES_NOT_EXIST"), productOf("8.4.2"), "mariadb");
    expect(translate(lost)).toMatchObject({ code: "ER_CLIENT_INTERACTION_TIMEOUT", outcome: "unknown" });
    const kept = sentBy(fault(4031, "ER_CLIENT_INTERACTION_TIMEOUT"), productOf("10.11.4-MariaDB"), "mysql");
    expect(translate(kept)).toMatchObject({ name: "ProgrammingError" });
    const nameless = sentBy(fault(4100, "ER_OF_ANOTHER_TABLE"), productOf("8.4.2"), "mariadb");
    expect(translate(nameless).code).toBe("4100");
  });

  test("a limit of time is another error's number on the other server", () => {
    const of = (errno: number, version: string) =>
      isInterrupted(sentBy(fault(errno, "ER_OF_ANOTHER_TABLE"), productOf(version), "mysql"));
    expect(of(1317, "8.4.2")).toBe(true);
    expect(of(3024, "8.4.2")).toBe(true);
    expect(of(1969, "8.4.2")).toBe(false);
    expect(of(1317, "10.11.4-MariaDB")).toBe(true);
    expect(of(1969, "10.11.4-MariaDB")).toBe(true);
    expect(of(3024, "10.11.4-MariaDB")).toBe(false);
  });
});
