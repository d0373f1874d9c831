/**
 * What TLS checks, and that nobody can read its secrets; the URL form in processes of their own, since Node.js reads
 * whom it trusts at its start.
 */
import { inspect } from "node:util";
import { CancelledError, ConnectionPool } from "adbapi";
import { mariadb } from "adbapi/drivers/mariadb";
import { mysql2 } from "adbapi/drivers/mysql2";
import { pg } from "adbapi/drivers/pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Driver } from "../../drivers/driver.js";
import { Authority } from "../support/authority.js";
import { ChildProgram } from "../support/child-program.js";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";
import { TlsServer } from "../support/tls-server.js";
import { Traces } from "../support/traces.js";
import { quiet } from "../support/with-scripted.js";

const DRIVERS = { pg, mysql2, mariadb };
const PASSPHRASE = "SECRET-PASSPHRASE";
const HOSTS = ["localhost", "127.0.0.1"] as const;

/** Which of `HOSTS` the certificate is for. */
const NAMES = [
  ["DNS:localhost", [true, false]],
  ["IP:127.0.0.1", [false, true]],
  ["DNS:localhost,IP:127.0.0.1", [true, true]],
  ["DNS:db.example.test", [false, false]],
] as const;

const authority = new Authority();
const stranger = new Authority();
afterAll(() => {
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

describeEach(SERVER_TARGETS, (target) => {
  const isPg = target.name === "pg";
  const scheme = { pg: "postgres", mysql2: "mysql", mariadb: "mariadb" }[target.name as "pg"];
  const encrypted = isPg
    ? "select case when ssl then 'yes' else 'no' end as tls from pg_stat_ssl where pid = pg_backend_pid()"
    : "select if(variable_value = '', 'no', 'yes') as tls from information_schema.session_status where variable_name = 'ssl_cipher'";
  let server: TlsServer;
  beforeAll(async () => {
    server = await TlsServer.create(target.server!, authority);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const accountAt = (host: string) => {
    const { port, username, password, pathname } = server.url;
    return {
      host,
      port: Number(port),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: pathname.slice(1),
    };
  };
  const poolWith = (ssl: unknown, host: string = "localhost", more: object = {}) =>
    new ConnectionPool(target.name, { ...accountAt(host), ...more, ssl } as never, {
      min: 0,
      max: 1,
      logger: quiet,
    });

  test("a session that is destroyed is gone, and nothing else", async () => {
    using traces = new Traces();
    const driver: Driver = DRIVERS[target.name as "pg"];
    const args = driver.checkArgs!([{ ...accountAt("localhost"), ssl: { ca: authority.ca } }]);
    const settings = { name: "test", prepare: true, pipeline: 8, int64: "driver" } as const;
    const connect = () =>
      driver.connect(args, { settings, signal: new AbortController().signal, onLost: () => {} });
    const idle = await connect();
    const working = await connect();
    const work = working.execute({ sql: target.endlessSql, params: undefined, rowMode: "object" });
    for (const connection of [idle, working]) connection.destroy();
    await expect(work).rejects.toThrow("destroyed");
    for (const connection of [idle, working]) expect(connection.state).toBe("broken");
    await traces.proveNone();
  });

  /** Whether there is a session, and with TLS. */
  async function inside(ssl: unknown, host?: string): Promise<boolean> {
    await using pool = poolWith(ssl, host);
    const rows = await pool.runQuery<{ tls: string }>(encrypted).catch(() => undefined);
    if (rows !== undefined) expect(rows).toEqual([{ tls: "yes" }]);
    return rows !== undefined;
  }

  const urls = (options: string, change: (url: URL) => void = () => {}) =>
    HOSTS.map((host) => {
      const url = new URL(`${server.url.href.replace(/^\w+/, scheme)}?${options}`);
      url.hostname = host;
      change(url);
      return url.href;
    });

  /** Whether each got in, where Node.js trusts that authority. */
  async function insideByUrl(list: readonly string[], ca: Authority): Promise<readonly boolean[]> {
    const args = ["test/fixtures/log-in.js", JSON.stringify(list)];
    await using child = new ChildProgram(args, { NODE_EXTRA_CA_CERTS: ca.file, PGPASSWORD: "" });
    const { output } = await child.ended();
    const answers = JSON.parse(output) as readonly string[];
    for (const answer of answers) {
      if (answer !== "in") expect(answer).toMatch(/certificate|cert's|28P01|DENIED/);
    }
    return answers.map((answer) => answer === "in");
  }

  const checked = isPg ? ["sslmode=require", "sslmode=verify-full", "ssl=true"] : ["ssl=true", "ssl=1"];

  test.each(NAMES)("a URL's TLS checks chain and name: a certificate for %s", async (names, expected) => {
    await server.show(names);
    const right = checked.flatMap((options) => urls(options));
    const wrong = urls(checked[0]!, (url) => {
      url.password = "another";
    });
    expect(await insideByUrl([...right, ...wrong], authority)).toEqual([
      ...checked.flatMap(() => expected),
      ...wrong.map(() => false),
    ]);
  });

  test("a URL's TLS trusts nobody whom Node.js does not", async () => {
    await server.show("DNS:localhost,IP:127.0.0.1");
    expect(await insideByUrl(urls(checked[0]!), stranger)).toEqual([false, false]);
  });

  test.each(NAMES)("the object forms check what docs/security.md says: %s", async (names, expected) => {
    await server.show(names);
    const { ca } = authority;
    for (const [at, host] of HOSTS.entries()) {
      const nameAlone = target.name === "mysql2";
      expect(await inside({ ca }, host)).toBe(nameAlone || expected[at]);
      if (nameAlone) expect(await inside({ ca, verifyIdentity: true }, host)).toBe(expected[at]);
      expect(await inside({ ca: stranger.ca }, host)).toBe(false);
      expect(await inside({ rejectUnauthorized: false }, host)).toBe(true);
    }
  });

  test.runIf(isPg)(
    "the name that `servername` gives is the one that is checked, by a cancel too",
    async () => {
      await server.show("DNS:inner,DNS:localhost,IP:127.0.0.1");
      const { ca } = authority;
      for (const host of HOSTS) {
        expect(await inside({ ca, servername: "elsewhere" }, host)).toBe(false);
        expect(await inside({ ca, host: "elsewhere" }, host)).toBe(false);
        await using pool = poolWith({ ca, servername: "inner" }, host);
        await pool.runQuery("select 1");
        await expect(pool.runQuery("select pg_sleep(60)", [], { timeoutMillis: 200 })).rejects.toMatchObject({
          name: "StatementTimeout",
          outcome: "not applied",
        });
        expect(pool.stats).toMatchObject({ connects: 1, losses: 0 });
      }
    },
  );

  test("a client's certificate is shown to the server, and its key to nobody", async () => {
    await server.show("DNS:localhost");
    const { cert, key, pfx } = authority.issue("DNS:client", PASSPHRASE);
    const secret = key.split("\n")[3]!;
    const { ca } = authority;
    const user = "certified";
    if (!isPg) {
      await server.ask(`create or replace user ${user}@'%' identified by 'word' require x509`);
    }
    const more = isPg ? {} : { user, password: "word", database: "" };
    const seen = isPg
      ? "select client_dn as dn from pg_stat_ssl where pid = pg_backend_pid()"
      : "select substring_index(current_user(), '@', 1) as dn";
    const hidden = Object.defineProperty({ ca, cert, passphrase: PASSPHRASE }, "key", { value: key });
    const forms: object[] = [{ ca, cert, key, passphrase: PASSPHRASE }, hidden];
    if (target.name !== "mysql2") forms.push({ ca, pfx, passphrase: PASSPHRASE });
    for (const ssl of forms) {
      await using pool = poolWith(ssl, "localhost", more);
      await pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute(seen);
        expect(await cursor.fetchAll()).toEqual([{ dn: isPg ? "/CN=own" : user }]);
        const native = connection.native as unknown as Record<string, unknown>;
        for (const shown of [native, native.config, native.ssl, native.connectionParameters, native.stream]) {
          const text = inspect(shown, { depth: 12, maxStringLength: Infinity }) + jsonOf(shown);
          expect(text).not.toContain(secret);
          expect(text).not.toContain(PASSPHRASE);
        }
      });
    }
    if (!isPg) {
      await using without = poolWith({ ca }, "localhost", more);
      await expect(without.runQuery("select 1")).rejects.toMatchObject({ code: "ER_ACCESS_DENIED_ERROR" });
    }
  });

  test("a cancel reaches a server that it knows by a client's certificate", async () => {
    await server.show("DNS:localhost");
    const { cert, key } = authority.issue("DNS:client", PASSPHRASE);
    await using pool = poolWith({ ca: authority.ca, cert, key, passphrase: PASSPHRASE });
    await pool.runQuery("select 1");
    const running = pool.runQuery(target.endlessSql);
    await eventually("running", () => pool.stats.inUse, 1);
    running.cancel();
    await expect(running).rejects.toBeInstanceOf(CancelledError);
    expect(await pool.runQuery(encrypted)).toEqual([{ tls: "yes" }]);
    expect(pool.stats.connects).toBe(1);
  });
});

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
