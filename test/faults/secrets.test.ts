/**
 * Passwords never show: not in a pool, not in its errors, not in what it logs. Nor do params: those in errors are in
 * bad-input.test.ts.
 */
import { tracingChannel } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { ConnectionPool, InterfaceError, UniqueViolation } from "adbapi";
import { expect, test } from "vitest";
import { databaseName } from "../support/database-name.js";
import { freePort } from "../support/free-port.js";
import { describeEach, SERVER_TARGETS, TARGETS, withPool } from "../support/targets.js";

const PASSWORD = "SECRET-PASSWORD";
const PARAM = "SECRET-PARAM";
const CHANNELS = ["statement", "interaction", "acquire", "connect"].map((name) =>
  tracingChannel(`adbapi:${name}`),
);

const everythingOf = (value: unknown): string =>
  [inspect(value, { depth: 12, showHidden: true }), String(value), stackOf(value), toJson(value)].join("\n");

describeEach(SERVER_TARGETS, (target) => {
  const scheme = target.name === "pg" ? "postgres" : target.name === "mysql2" ? "mysql" : "mariadb";

  async function askWith(
    connectArgs: unknown,
  ): Promise<{ pool: ConnectionPool; error: unknown; logged: unknown[] }> {
    const logged: unknown[] = [];
    const log = (...said: unknown[]) => void logged.push(...said);
    const logger = { debug: log, info: log, warn: log, error: log };
    const options = { max: 1, noisy: true, logger, acquireTimeoutMillis: 2000 };
    const pool = new ConnectionPool(target.name, connectArgs as string, options);
    const error = await pool.runQuery("select 1").then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return { pool, error, logged };
  }

  test("a server that refuses the connection", async () => {
    const port = await freePort();
    const { pool, error, logged } = await askWith({
      host: "127.0.0.1",
      port,
      user: "someone",
      password: PASSWORD,
    });
    expect(error).toBeInstanceOf(Error);
    for (const shown of [pool, error, logged]) expect(everythingOf(shown)).not.toContain(PASSWORD);
    await pool.close();
  });

  test("a user that the server does not know", async () => {
    await using database = await target.createDatabase();
    const url = new URL(database.connectArgs);
    const who = {
      host: url.hostname,
      port: Number(url.port),
      user: "nobody_of_that_name",
      password: PASSWORD,
    };
    const { pool, error, logged } = await askWith({ ...who, database: url.pathname.slice(1) });
    expect(error).toBeInstanceOf(Error);
    for (const shown of [pool, error, logged]) expect(everythingOf(shown)).not.toContain(PASSWORD);
    await pool.close();
  });

  test("an open connection, shown by its pool or to the caller", async () => {
    await using database = await target.createDatabase();
    const name = databaseName();
    const account = target.server === "postgres" ? name : `${name}@'%'`;
    await database.observe(
      target.server === "postgres"
        ? `create role ${name} login password '${PASSWORD}'`
        : `create user ${account} identified by '${PASSWORD}'`,
    );
    const url = new URL(database.connectArgs);
    if (target.server !== "postgres")
      await database.observe(`grant all on ${url.pathname.slice(1)}.* to ${account}`);
    url.username = name;
    url.password = PASSWORD;
    const { pool } = await askWith(url.href);
    await pool.runWithConnection((connection) => {
      for (const shown of [connection, connection.cursor()])
        expect(everythingOf(shown)).not.toContain(PASSWORD);
    });
    await pool.runInteraction((transaction) => expect(everythingOf(transaction)).not.toContain(PASSWORD));
    expect(everythingOf(pool)).not.toContain(PASSWORD);
    await pool.close();
    await database.observe(target.server === "postgres" ? `drop role ${account}` : `drop user ${account}`);
  });

  test.each(["", "?no_such_option=1", ":notaport/x"])("a URL that is refused: …%s", (end) => {
    const make = () =>
      ConnectionPool.fromUrl(`${scheme}://user:${PASSWORD}@host${end === "" ? "/%zz" : end}`);
    let error: unknown;
    try {
      make();
    } catch (refusal) {
      error = refusal;
    }
    expect(error).toBeInstanceOf(InterfaceError);
    expect(everythingOf(error)).not.toContain(PASSWORD);
  });
});

describeEach(TARGETS, (target) => {
  test("params in logs and in traces", async () => {
    const seen: unknown[] = [];
    const see = (message: unknown) => void seen.push(message);
    const observers = { start: see, end: see, asyncStart: see, asyncEnd: see, error: see };
    const logger = { debug: see, info: see, warn: see, error: see };
    for (const channel of CHANNELS) channel.subscribe(observers);
    try {
      await withPool(target, { noisy: true, logger, max: 1, leakDetectionMillis: 1 }, async (pool) => {
        await pool.runOperation("create table secrets (word varchar(40) primary key)");
        const insert = target.sql("insert into secrets values (?)");
        const twice = pool.runInteraction(async (transaction) => {
          await transaction.runOperation(insert, [PARAM]);
          await sleep(20);
          await transaction.runOperation(insert, [PARAM]);
        });
        await expect(twice).rejects.toBeInstanceOf(UniqueViolation);
        await pool.runOperation(insert, [PARAM]);
        await expect(pool.runOperation(insert, [PARAM])).rejects.toBeInstanceOf(UniqueViolation);
        await expect(pool.runQuery(target.sql("select ? + nothing"), [PARAM])).rejects.toBeInstanceOf(Error);
        expect(pool.stats.leaks).toBeGreaterThan(0);
      });
    } finally {
      for (const channel of CHANNELS) channel.unsubscribe(observers);
    }
    expect(seen.length).toBeGreaterThan(20);
    for (const one of seen)
      expect([inspect(one, { depth: 12 }), toJson(one)].join("\n")).not.toContain(PARAM);
  });
});

function stackOf(value: unknown): string {
  return value instanceof Error ? String(value.stack) : "";
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
