/** Each row of the table of errors that a real server can be made to raise. */
import { inspect } from "node:util";
import { pg } from "adbapi/drivers/pg";
import { describe, expect, test } from "vitest";
import { failureOf, openSession, type Session } from "../../support/pg-session.js";
import { serverUrl } from "../../support/servers.js";

const url = serverUrl("postgres")!;

const TABLES = `
  create temp table parent (id int primary key);
  create temp table t (
    id int primary key, name text not null, age int check (age > 0), parent int references parent,
    constraint name_unique unique (name));
  insert into t values (1, 'one', 1, null)`;

describe.runIf(url)("errors of PostgreSQL", () => {
  test.each([
    ["insert into t values (1, 'x')", "23505", "UniqueViolation"],
    ["insert into t values (2, 'x', 1, 7)", "23503", "ForeignKeyViolation"],
    ["insert into t values (2, null)", "23502", "NotNullViolation"],
    ["insert into t values (2, 'x', -1)", "23514", "CheckViolation"],
    ["select 1 / 0", "22012", "DataError"],
    ["select 'x'::int", "22P02", "DataError"],
    ["select 99999999999::int", "22003", "DataError"],
    ["select '2020-13-01'::date", "22008", "DataError"],
    ["selec", "42601", "ProgrammingError"],
    ["select 1; select 2", "42601", "ProgrammingError"],
    ["select * from nowhere", "42P01", "ProgrammingError"],
    ["select nothing", "42703", "ProgrammingError"],
    ["select nothing()", "42883", "ProgrammingError"],
    ["select (select 1 union select 2)", "21000", "ProgrammingError"],
    ["execute nobody", "26000", "ProgrammingError"],
    ["close nobody", "34000", "ProgrammingError"],
    ["create table nowhere.t (a int)", "3F000", "ProgrammingError"],
    ["do $$ begin raise exception 'no' using errcode = 'P0001'; end $$", "P0001", "DatabaseError"],
    ["do $$ begin raise exception 'no' using errcode = '40001'; end $$", "40001", "SerializationFailure"],
    ["do $$ begin raise exception 'no' using errcode = '53100'; end $$", "53100", "OperationalError"],
    ["do $$ begin raise exception 'no' using errcode = '58030'; end $$", "58030", "OperationalError"],
    ["do $$ begin raise exception 'no' using errcode = 'XX001'; end $$", "XX001", "InternalError"],
    ["do $$ begin raise exception 'no' using errcode = '0A000'; end $$", "0A000", "NotSupportedError"],
    ["do $$ begin raise exception 'no' using errcode = '44000'; end $$", "44000", "ProgrammingError"],
    ["do $$ begin raise exception 'no' using errcode = 'ZZ123'; end $$", "ZZ123", "DatabaseError"],
  ])("%s → %s", async (sql, code, name) => {
    const session = await openSession(url);
    await session.ping(TABLES);
    const error = await failureOf(session.run(sql!));
    expect({ name: error.name, code: error.code, sqlState: error.sqlState }).toEqual({
      name,
      code,
      sqlState: code,
    });
    expect(error.retryable).toBe(code === "40001");
    expect(error.cause).toBeInstanceOf(Error);
    expect(session.state).toBe("idle");
    expect((await session.run("select 1 as a")).rows).toEqual([{ a: 1 }]);
  });

  test.each([
    ["select $1::int", []],
    ["select $1::int", [1, 2]],
    ["select 1", [1]],
  ])("%s with params %j has the wrong number of them", async (sql, params) => {
    const session = await openSession(url);
    expect((await failureOf(session.run(sql, params))).name).toBe("ProgrammingError");
    expect(session.state).toBe("idle");
  });

  test("a transaction that has failed takes no more statements", async () => {
    const session = await openSession(url);
    await session.begin({});
    await failureOf(session.run("select 1 / 0"));
    const error = await failureOf(session.run("select 1"));
    expect(error).toMatchObject({ name: "TransactionAborted", code: "25P02" });
    await session.rollback();
    expect(session.state).toBe("idle");
  });

  test("what cannot run inside a transaction, and what a read-only one refuses", async () => {
    const session = await openSession(url);
    await session.begin({});
    expect(await failureOf(session.run("vacuum"))).toMatchObject({ name: "ProgrammingError", code: "25001" });
    await session.rollback();
    await session.begin({ readOnly: true });
    const error = await failureOf(session.run("create table never (a int)"));
    expect(error).toMatchObject({ name: "OperationalError", code: "25006" });
    await session.rollback();
  });

  test("a lock that is held: at once, and after lock_timeout", async () => {
    const [holder, other] = [await openSession(url), await openSession(url)];
    await holder.run("select pg_advisory_lock(815)");
    await other.run("set lock_timeout = 20");
    const error = await failureOf(other.run("select pg_advisory_lock(815)"));
    expect(error).toMatchObject({ name: "LockNotAvailable", code: "55P03", retryable: false });
  });

  test("the server's statement timeout leaves nothing behind, except where a statement commits as it goes", async () => {
    const session = await openSession(url);
    await session.run("set statement_timeout = 20");
    const sleep = await failureOf(session.run("select pg_sleep(10)"));
    expect(sleep).toMatchObject({ name: "StatementTimeout", code: "57014", outcome: "not applied" });
    const block = await failureOf(session.run("do $$ begin perform pg_sleep(10); end $$"));
    expect(block).toMatchObject({ name: "StatementTimeout", code: "57014", outcome: "unknown" });
    expect(pg.cancelled!(block, "select 1")).toBeUndefined();
  });

  test("a deadlock ends one of two, and may be tried again", async () => {
    const sessions = [await openSession(url), await openSession(url)] as const;
    const lock = (session: Session, key: number) => session.run("select pg_advisory_xact_lock($1)", [key]);
    for (const [index, session] of sessions.entries()) {
      await session.begin({});
      await lock(session, 900 + index);
    }
    const results = await Promise.allSettled(
      sessions.map(async (session, index) => {
        await lock(session, 901 - index);
        await session.rollback();
      }),
    );
    const failed = results.find((result) => result.status === "rejected");
    const error = pg.translate(failed?.reason);
    expect(error.name).toBe("DeadlockDetected");
    expect(error.retryable).toBe(true);
  });

  test("a serialization failure may be tried again", async () => {
    const table = `serial_${process.pid}`;
    const [one, two] = [await openSession(url), await openSession(url)];
    await one.run(`create table ${table} (a int)`);
    await one.run(`insert into ${table} values (1)`);
    try {
      for (const session of [one, two]) await session.begin({ isolation: "repeatable read" });
      await two.run(`select * from ${table}`);
      await one.run(`update ${table} set a = 2`);
      await one.commit();
      const error = await failureOf(two.run(`update ${table} set a = 3`));
      expect(error).toMatchObject({ name: "SerializationFailure", code: "40001", retryable: true });
      await two.rollback();
    } finally {
      await one.run(`drop table ${table}`);
    }
  });

  test("a deferred constraint fails at commit, and the session is idle", async () => {
    const session = await openSession(url);
    await session.ping(
      "create temp table p (id int primary key); create temp table c (p int references p deferrable initially deferred)",
    );
    await session.begin({});
    await session.run("insert into c values (1)");
    expect((await failureOf(session.commit())).name).toBe("ForeignKeyViolation");
    expect(session.state).toBe("idle");
  });

  test("what repeats someone's data is not printed", async () => {
    const session = await openSession(url);
    await session.ping("create temp table s (name text unique)");
    await session.run("insert into s values ($1)", ["sekret-value"]);
    const error = await failureOf(session.run("insert into s values ($1)", ["sekret-value"]));
    expect((error.cause as { detail: string }).detail).toContain("sekret-value");
    expect(inspect(error, { depth: 9 })).not.toContain("sekret-value");
    expect(JSON.stringify(error.cause)).not.toContain("sekret-value");
  });
});

describe("errors without a server", () => {
  test("nothing of what pg never sent can have reached it", () => {
    const error = pg.translate(new Error("Client has encountered a connection error and is not queryable"));
    expect(error).toMatchObject({ name: "ConnectionLost", outcome: "not sent" });
  });

  test.each(["ECONNRESET", "EPIPE", "ETIMEDOUT"])("%s", (code) => {
    const error = pg.translate(Object.assign(new Error("read"), { code }));
    expect(error).toMatchObject({ name: "ConnectionLost", code, outcome: "unknown", sqlState: undefined });
  });

  test("anything at all is taken, and what is of the tree comes back as it is", () => {
    for (const thrown of [undefined, null, 5, "text", {}, new TypeError("x")]) {
      expect(pg.translate(thrown).name).toBe("DatabaseError");
    }
    const error = pg.translate(new Error("Connection terminated unexpectedly"));
    expect(error.name).toBe("ConnectionLost");
    expect(pg.translate(error)).toBe(error);
  });

  test("a wait for a server that is refused", async () => {
    const { signal } = new AbortController();
    const settings = { name: "x", prepare: true, pipeline: 1, int64: "driver" } as const;
    const args = pg.checkArgs!(["postgres://u:sekret@127.0.0.1:1/d"]);
    const error = await failureOf(pg.connect(args, { settings, signal, onLost() {} }));
    expect(error).toMatchObject({ name: "OperationalError", code: "ECONNREFUSED" });
    expect(error.message).toMatch(/127\.0\.0\.1:1, database "d", user "u"/);
    expect(inspect(error, { depth: 9 })).not.toContain("sekret");
  });

  test.runIf(url)("a database that is not there", async () => {
    const nowhere = new URL(url);
    nowhere.pathname = "no_such_database";
    const error = await failureOf(openSession(nowhere.href));
    expect(error).toMatchObject({ name: "OperationalError", code: "3D000", sqlState: "3D000" });
  });
});
