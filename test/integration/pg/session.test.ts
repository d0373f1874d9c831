/** The life of a PostgreSQL session: names at the server, cancel, reset, loss, end. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { promisify } from "node:util";
import { pg } from "adbapi/drivers/pg";
import type { Client } from "pg";
import { describe, expect, test } from "vitest";
import { failureOf, openSession, SETTINGS, type Session, statement } from "../../support/pg-session.js";
import { serverUrl } from "../../support/servers.js";

const url = serverUrl("postgres")!;

const names = async (session: Session): Promise<unknown[]> =>
  (
    await session.run(
      `select statement from pg_prepared_statements where statement not like all ('{%prepared%,%pg_stat_get%}') -- ${Math.random()}`,
    )
  ).rows;

const times = async (count: number, work: () => Promise<unknown>) => {
  for (let run = 0; run < count; run++) await work();
};

/** Past the driver, which hears nothing of it. */
const strangerOf = (session: Session) => (sql: string) => (session.native as Client).query(sql);

describe.runIf(url)("named statements", () => {
  test("get their name at the third use, unless it is switched off", async () => {
    const session = await openSession(url);
    await times(2, () => session.run("select 1 as a"));
    expect(await names(session)).toEqual([]);
    await times(2, () => session.run("select 1 as a"));
    expect(await names(session)).toEqual([{ statement: "select 1 as a" }]);
    const without = await openSession(url, { prepare: false });
    await times(5, () => without.run("select 1 as a"));
    expect(await names(without)).toEqual([]);
  });

  test("nothing is stacked on a name before the server knows it", async () => {
    const session = await openSession(url);
    const bad = statement("select 1 / $1::int as a", [0]);
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        session.execute(index === 2 ? bad : statement("select 1 / $1::int as a", [1])),
      ),
    );
    expect(results.filter((result) => result.status === "rejected").length).toBe(1);
    await times(3, () => session.run("select 1 / $1::int as a", [1]));
    expect((await names(session)).length).toBe(1);
  });

  test("no more than 256 are kept, the oldest closed at the server", async () => {
    const session = await openSession(url);
    for (let text = 0; text < 300; text++) await times(3, () => session.run(`select ${text} as a`));
    const kept = await names(session);
    expect(kept.length).toBeLessThanOrEqual(256);
    expect(kept.length).toBeGreaterThan(200);
    expect(kept).not.toContainEqual({ statement: "select 0 as a" });
    expect(kept).toContainEqual({ statement: "select 299 as a" });
  });

  test("are renewed when the table changes under them, and the caller sees nothing of it", async () => {
    const [session, other] = [await openSession(url), await openSession(url)];
    const table = `plan_${process.pid}`;
    await other.run(`create table ${table} (a int)`);
    try {
      await other.run(`insert into ${table} values (1)`);
      const ask = () => session.run(`select * from ${table} where a = $1`, [1]);
      await times(4, ask);
      await strangerOf(other)(`alter table ${table} add column b int default 2`);
      const stacked = await Promise.all([ask(), ask(), ask()]);
      for (const { rows } of stacked) expect(rows).toEqual([{ a: 1, b: 2 }]);
      await times(4, ask);
      await strangerOf(other)(`alter table ${table} drop column b`);
      const first = statement(`select * from ${table} where a = $1`, [1]);
      expect((await session.beginWith({}, first)).rows).toEqual([{ a: 1 }]);
      expect(session.state).toBe("in transaction");
      await session.rollback();
      await times(4, ask);
      await strangerOf(other)(`alter table ${table} add column c int`);
      await session.begin({});
      const failure = await failureOf(ask());
      // "cached plan must not change result type", in whatever language.
      expect(failure.code).toBe("0A000");
      expect(failure.retryable).toBe(true);
      await session.rollback();
      expect((await ask()).rows).toEqual([{ a: 1, c: null }]);
    } finally {
      await other.run(`drop table ${table}`);
    }
  });

  test("are given up when the process alters a table, here or in another session: their params keep no old type", async () => {
    const [session, other] = [await openSession(url), await openSession(url)];
    const table = `types_${process.pid}`;
    await other.run(`create table ${table} (a int)`);
    try {
      const add = (value: unknown) => session.run(`insert into ${table} values ($1) returning *`, [value]);
      await times(4, () => add("007"));
      await other.begin({});
      await other.run(`alter table ${table} alter a type text`);
      await other.commit();
      expect((await add("007")).rows).toEqual([{ a: "007" }]);
      await times(4, () => add("007"));
      await session.begin({});
      await session.run(`alter table ${table} add column b int`);
      expect((await add("x")).rows).toEqual([{ a: "x", b: null }]);
      await session.commit();
    } finally {
      session.destroy();
      await other.run(`drop table ${table}`);
    }
  });

  test("do not refuse a value that the table takes since somebody has altered it", async () => {
    const [session, other] = [await openSession(url), await openSession(url)];
    const table = `wider_${process.pid}`;
    await other.run(`create table ${table} (a int)`);
    try {
      const add = (value: unknown) => session.run(`insert into ${table} values ($1)`, [value]);
      await times(4, () => add(1));
      await strangerOf(other)(`alter table ${table} alter a type bigint`);
      expect((await add("3000000000")).rowCount).toBe(1);
      expect((await failureOf(add("30000000000000000000"))).code).toBe("22003");
    } finally {
      await other.run(`drop table ${table}`);
    }
  });

  test("are given up when other tables bear the same names", async () => {
    const session = await openSession(url);
    const schema = `other_${process.pid}`;
    await session.run("create temp table t as select 1 as a");
    await session.run(`create schema ${schema}`);
    try {
      await session.run(`create table ${schema}.t as select 2 as b`);
      await times(4, () => session.run("select * from t"));
      await session.begin({});
      await session.run(`set local search_path to ${schema}, pg_temp`);
      expect((await session.run("select * from t")).rows).toEqual([{ b: 2 }]);
      await session.rollback();
    } finally {
      await session.run(`drop schema ${schema} cascade`);
    }
  });

  test.each(["deallocate all", "discard all"])("survive %s", async (sql) => {
    const session = await openSession(url);
    await times(4, () => session.run("select 7 as a"));
    await session.run(sql);
    await session.begin({});
    expect((await session.run("select 7 as a")).rows).toEqual([{ a: 7 }]);
    await session.rollback();
  });

  test("are found again when the server has lost one behind our back", async () => {
    const session = await openSession(url);
    await times(4, () => session.run("select 7 as a"));
    await session.ping("deallocate all");
    const stacked = await Promise.all([session.run("select 7 as a"), session.run("select 7 as a")]);
    expect(stacked.map(({ rows }) => rows)).toEqual([[{ a: 7 }], [{ a: 7 }]]);
    await session.ping("deallocate all");
    await times(4, () => session.run("select 7 as a"));
  });
});

describe.runIf(url)("cancel", () => {
  test("ends a statement at the server", async () => {
    const session = await openSession(url);
    const sleep = statement("select pg_sleep(30)");
    const running = session.execute(sleep);
    const { outcome, done } = session.cancel(sleep);
    expect(outcome).toBe("unknown");
    const error = await failureOf(running);
    expect(pg.cancelled!(error.cause, sleep.sql)).toBe("not applied");
    expect(pg.cancelled!(error.cause, "call p()")).toBe("unknown");
    await done;
    expect((await session.run("select 1 as a")).rows).toEqual([{ a: 1 }]);
  });

  test("of one that stands behind others waits until it is their turn", async () => {
    const session = await openSession(url);
    const [first, second, third] = [
      statement("select pg_sleep(0.2), 1 as a"),
      statement("select pg_sleep(30)"),
      statement("select 3 as a"),
    ];
    const work = [first, second, third].map((each) => session.execute(each));
    const { done } = session.cancel(second);
    const [one, two, three] = await Promise.allSettled(work);
    await done;
    expect([one?.status, two?.status, three?.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("of one that is over does nothing", async () => {
    const session = await openSession(url);
    const over = statement("select 1");
    await session.execute(over);
    await session.cancel(over).done;
    expect((await session.run("select 1 as a")).rows).toEqual([{ a: 1 }]);
  });

  test("never hits what is sent after it is done", async () => {
    const session = await openSession(url);
    for (let run = 0; run < 30; run++) {
      const short = statement(`select pg_sleep(${(run % 5) / 500})`);
      const running = session.execute(short).catch(() => {});
      const { done } = session.cancel(short);
      await Promise.all([running, done]);
      expect((await session.run("select 1 as a")).rows).toEqual([{ a: 1 }]);
    }
  });
});

describe.runIf(url)("reset", () => {
  test("undoes what the session was told", async () => {
    const session = await openSession(url);
    await times(4, () => session.run("select 7 as a"));
    await session.ping(
      "prepare \"by Hand\" as select 1; set work_mem = '77MB'; select pg_advisory_lock(5); create temp table t (a int); listen x; declare c cursor with hold for select 1",
    );
    await session.reset();
    expect(await names(session)).toEqual([]);
    const { rows } = await session.run(`select current_setting('work_mem') <> '77MB' as work_mem,
      (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
      to_regclass('pg_temp.t') as temp, (select count(*)::int from pg_cursors where is_holdable) as cursors,
      (select count(*)::int from pg_listening_channels()) as channels, current_setting('application_name') as name`);
    expect(rows).toEqual([
      { work_mem: true, locks: 0, temp: null, cursors: 0, channels: 0, name: "pg-test" },
    ]);
    expect(session.state).toBe("idle");
  });
});

describe.runIf(url)("loss", () => {
  const lossy = async () => {
    const losses: unknown[] = [];
    const session = await openSession(url, {}, (error) => losses.push(error));
    return { session, losses };
  };
  const eventually = async (condition: () => boolean) => {
    for (let wait = 0; wait < 500 && !condition(); wait++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(condition()).toBe(true);
  };

  test("while idle is told once, and leaves a broken session", async () => {
    const { session, losses } = await lossy();
    await (await openSession(url)).run("select pg_terminate_backend($1)", [session.id]);
    await eventually(() => losses.length > 0);
    expect(session.state).toBe("broken");
    expect(pg.translate(losses[0])).toMatchObject({ name: "ConnectionLost", code: "57P01" });
    expect(await failureOf(session.run("select 1"))).toMatchObject({
      name: "ConnectionLost",
      outcome: "not sent",
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(losses.length).toBe(1);
    await session.close();
  });

  test("in flight rejects everything", async () => {
    const { session, losses } = await lossy();
    const work = [session.run("select pg_sleep(30)"), session.run("select 1"), session.run("select 2")];
    const failures = work.map(failureOf);
    await (await openSession(url)).run("select pg_terminate_backend($1)", [session.id]);
    for (const error of await Promise.all(failures)) {
      expect(error).toMatchObject({ name: "ConnectionLost", outcome: "unknown" });
    }
    expect(session.state).toBe("broken");
    await eventually(() => losses.length === 1);
  });

  test("by destroy() rejects at once what is in flight, and is no loss", async () => {
    const { session, losses } = await lossy();
    const failures = [session.run("select pg_sleep(30)"), session.run("select 1")].map(failureOf);
    session.destroy();
    session.destroy();
    expect(session.state).toBe("broken");
    for (const error of await Promise.all(failures)) expect(error.name).toBe("ConnectionLost");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(losses).toEqual([]);
  });

  test("close() lets what is in flight finish, and takes no more", async () => {
    const { session, losses } = await lossy();
    const last = session.run("select 1 as a, pg_sleep(0.05)");
    const closed = session.close();
    expect((await failureOf(session.run("select 2"))).name).toBe("ConnectionLost");
    expect((await last).rowCount).toBe(1);
    await closed;
    expect([session.state, losses]).toEqual(["broken", []]);
  });
});

describe("connecting", () => {
  test("is given up when its signal says so", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as { port: number };
      const control = new AbortController();
      const args = pg.checkArgs!([`postgres://127.0.0.1:${port}/d`]);
      const connecting = pg.connect(args, { settings: SETTINGS, signal: control.signal, onLost() {} });
      const [socket] = (await once(server, "connection")) as [Socket];
      const closed = once(socket.resume(), "close");
      control.abort(new Error("enough"));
      expect(await failureOf(connecting)).toMatchObject({ name: "OperationalError", message: /given up/ });
      await closed;
    } finally {
      server.close();
    }
  });

  test("is not begun when it is given up already", async () => {
    const args = pg.checkArgs!(["postgres://127.0.0.1:1/d"]);
    const signal = AbortSignal.abort();
    const error = await failureOf(pg.connect(args, { settings: SETTINGS, signal, onLost() {} }));
    expect(error.name).toBe("OperationalError");
  });

  test.runIf(url)("tells the server a name, unless the caller has one", async () => {
    const ask = async (session: Session) => (await session.run("show application_name")).rows;
    expect(await ask(await openSession(url))).toEqual([{ application_name: "pg-test" }]);
    const named = new URL(url);
    named.searchParams.set("application_name", "mine");
    expect(await ask(await openSession(named.href))).toEqual([{ application_name: "mine" }]);
  });

  test.runIf(url)("keeps no process alive", async () => {
    const script = `
      import { pg } from "adbapi/drivers/pg";
      const busy = setInterval(() => {}, 1000);
      const settings = ${JSON.stringify(SETTINGS)};
      const signal = new AbortController().signal;
      const session = await pg.connect(pg.checkArgs([process.argv[1]]), { settings, signal, onLost() {} });
      await session.ping("select 1");
      clearInterval(busy);
      console.log("idle");`;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script, url], {
      timeout: 20_000,
    });
    expect(stdout).toBe("idle\n");
  });
});
