/**
 * F1 on real servers that refuse by their own rules: a limit of connections, a wrong password; F2, F6: a server that is
 * stopped where it is.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionPool, OperationalError, PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import { databaseName } from "../support/database-name.js";
import { eventually } from "../support/eventually.js";
import { ownServer } from "../support/servers.js";
import type { Target, TestDatabase } from "../support/target.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";
import { Traces } from "../support/traces.js";
import { Ear, quiet } from "../support/with-scripted.js";

const LIMIT = 2;

/** Statements that make an account, by which ways its password can be checked, and one that ends it. */
interface Accounts {
  readonly kinds: readonly string[];
  create(kind: string, name: string, password: string): readonly string[];
  drop(name: string): string;
  /** Its own limit of connections is reached: the server's codes for that. */
  readonly full: readonly string[];
  readonly denied: readonly string[];
}

const ACCOUNTS: Readonly<Record<string, Accounts>> = {
  postgres: {
    kinds: ["scram-sha-256", "md5"],
    create: (kind, name, password) => [
      `set password_encryption = '${kind}'; create role ${name} login password '${password}' connection limit ${LIMIT}`,
    ],
    drop: (name) => `drop role ${name}`,
    full: ["53300"],
    denied: ["28P01"],
  },
  mysql: {
    kinds: ["mysql_native_password"],
    create: (_, name, password) => [
      `create user ${name}@'%' identified by '${password}' with max_user_connections ${LIMIT}`,
      `grant all on *.* to ${name}@'%'`,
    ],
    drop: (name) => `drop user ${name}@'%'`,
    full: ["ER_USER_LIMIT_REACHED", "ER_TOO_MANY_USER_CONNECTIONS"],
    denied: ["ER_ACCESS_DENIED_ERROR"],
  },
};

function accountsOf(target: Target): Accounts {
  return ACCOUNTS[target.server === "postgres" ? "postgres" : "mysql"]!;
}

/** The database, as a new account of it that may have two connections sees it. */
async function withAccount(
  target: Target,
  serverUrl: string | undefined,
  kind: string,
  use: (url: URL, database: TestDatabase) => Promise<void>,
): Promise<void> {
  const accounts = accountsOf(target);
  await using database = await target.createDatabase({ serverUrl });
  const name = databaseName();
  for (const sql of accounts.create(kind, name, "right")) await database.observe(sql);
  try {
    const url = new URL(database.connectArgs);
    url.username = name;
    url.password = "right";
    await use(url, database);
  } finally {
    await database.observe(accounts.drop(name));
  }
}

function poolOf(target: Target, url: URL, options: object): ConnectionPool {
  return new ConnectionPool(target.name, url.href, { min: 0, max: 5, logger: quiet, ...options });
}

describeEach(SERVER_TARGETS, (target) => {
  const accounts = accountsOf(target);
  const [kind] = accounts.kinds as [string];

  test("F1 the server's own limit, with connections open: who waits gets one that returns, or a PoolTimeout with the reason", () =>
    withAccount(target, undefined, kind, async (url) => {
      using traces = new Traces();
      const pool = poolOf(target, url, { acquireTimeoutMillis: 2_000 });
      try {
        let release = () => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        const holders = Array.from({ length: LIMIT }, () =>
          pool.runInteraction(async (transaction) => {
            await transaction.runQuery("select 1 as v");
            await released;
          }),
        );
        await eventually("held", () => pool.stats.inUse, LIMIT);
        const impatient = new Ear(pool.runQuery("select 1 as v"));
        await eventually("the timeout", () => impatient.fired, 1);
        expect(impatient.error).toBeInstanceOf(PoolTimeout);
        expect(accounts.full).toContain((impatient.error.cause as OperationalError).code);
        const patient = Array.from({ length: 20 }, () => new Ear(pool.runQuery("select 1 as v")));
        await eventually("refused again", () => pool.stats.connectFailures > 1, true);
        expect(patient.filter((ear) => ear.fired)).toEqual([]);
        expect(pool.stats.size).toBe(LIMIT);
        release();
        await eventually("answers", () => patient.filter((ear) => ear.fired).length, 20);
        for (const ear of patient) expect(ear.heard[0]).toHaveProperty("value");
        await Promise.all(holders);
      } finally {
        await pool.close({ timeoutMillis: 5_000 });
      }
      await traces.proveNone();
    }));

  test("F1 the server's own limit, with none open: each waiter hears at once, and the pool works when there is room", () =>
    withAccount(target, undefined, kind, async (url, database) => {
      const others = poolOf(target, url, { min: LIMIT, max: LIMIT });
      await others.start();
      await using pool = poolOf(target, url, { min: 1, acquireTimeoutMillis: 20_000 });
      const ears = Array.from({ length: 10 }, () => new Ear(pool.runQuery("select 1 as v")));
      await eventually("answers", () => ears.filter((ear) => ear.fired).length, 10, 8_000);
      for (const { error } of ears) {
        expect(error).toBeInstanceOf(OperationalError);
        expect(accounts.full).toContain((error as OperationalError).code);
      }
      expect(pool.stats.connectFailures).toBeLessThanOrEqual(10 + 5);
      await others.close();
      await eventually("size", () => pool.stats.size, 1); // by itself
      expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
      expect(await database.countSessions()).toBeLessThanOrEqual(LIMIT);
    }));

  test("F1 a wrong password: each waiter gets the server's word and never the password; once it is right, the pool works", async () => {
    await using server = await ownServer(target.server!);
    for (const kind of accounts.kinds) {
      await withAccount(target, server.url, kind, async (url, database) => {
        if (target.server === "postgres") await demandPasswords(database, kind, url.username);
        const wrong = new URL(url);
        wrong.password = "not-the-word";
        await using pool = poolOf(target, wrong, { min: 1 });
        const ears = Array.from({ length: 5 }, () => new Ear(pool.runQuery("select 1 as v")));
        await eventually("answers", () => ears.filter((ear) => ear.fired).length, 5, 8_000);
        for (const { error } of ears) {
          expect(error).toBeInstanceOf(OperationalError);
          expect(accounts.denied).toContain((error as OperationalError).code);
          expect(error.message).toContain(url.username);
          expect(error.message).not.toContain("not-the-word");
        }
        expect(pool.stats.connectFailures).toBeLessThanOrEqual(5 + 5);
        await using right = poolOf(target, url, { max: 1 });
        expect(await right.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
        const change =
          target.server === "postgres"
            ? `set password_encryption = '${kind}'; alter role ${url.username} password 'not-the-word'`
            : `alter user ${url.username}@'%' identified by 'not-the-word'`;
        await database.observe(change);
        await eventually("size", () => pool.stats.size, 1); // by itself
        expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
      });
    }
  });

  test("F2 F6 a server that is stopped where it is: open connections and new ones are given up in time, and all is well when it goes on", async () => {
    await using server = await ownServer(target.server!);
    await using database = await target.createDatabase({ serverUrl: server.url });
    const options = { min: 2, max: 3, acquireTimeoutMillis: 3_000, logger: quiet };
    await using pool = new ConnectionPool(target.name, database.connectArgs, options);
    await using fresh = new ConnectionPool(target.name, database.connectArgs, { ...options, min: 0 });
    await pool.start();
    await sleep(600); // past the time in which a connection is trusted
    await server.freeze();
    try {
      const idle = new Ear(pool.runQuery("select 1 as v"));
      const first = new Ear(fresh.runQuery("select 1 as v"));
      await eventually("answers", () => idle.fired + first.fired, 2, 8_000);
      expect(first.error.message).toContain("the server does not answer");
      // Most of its time went on the probe: the connect that followed had no answer yet.
      expect(idle.error).toBeInstanceOf(PoolTimeout);
      expect(idle.error.message).toContain("A connect is under way and has had no answer");
      expect(pool.stats.size).toBe(0);
    } finally {
      await server.thaw();
    }
    await eventually("size", () => pool.stats.size >= 2, true, 20_000); // by itself
    expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
    expect(await fresh.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
  });
});

/** PostgreSQL lets everyone in until its rules say otherwise. */
async function demandPasswords(database: TestDatabase, kind: string, role: string): Promise<void> {
  const [row] = await database.observe("show hba_file");
  const rules = `values ('local all all trust'), ('host all ${role} all ${kind}'), ('host all all all trust')`;
  await database.observe(`copy (${rules}) to '${row!.hba_file}'`);
  await database.observe("select pg_reload_conf()");
}
