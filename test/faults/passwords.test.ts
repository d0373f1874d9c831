/**
 * Passwords that are given reach the server, however they are given; on a server that asks for them, with TLS and
 * without.
 */
import { ConnectionPool, type OperationalError } from "adbapi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Authority } from "../support/authority.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";
import { TlsServer } from "../support/tls-server.js";
import { quiet } from "../support/with-scripted.js";

/** The class of SQLSTATE and the number with which servers refuse a password. */
const REFUSED = /^(?:28P01|ER_ACCESS_DENIED_ERROR|ER_ACCESS_DENIED_NO_PASSWORD_ERROR)$/;

interface Account {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl?: object;
}

type Way = (account: Account) => unknown;

function urlOf(scheme: string, { host, port, user, password, database }: Account): string {
  return `${scheme}://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
}

class Getters {
  readonly #account: Account;
  constructor(account: Account) {
    this.#account = account;
  }
  get host() {
    return this.#account.host;
  }
  get port() {
    return this.#account.port;
  }
  get user() {
    return this.#account.user;
  }
  get password() {
    return this.#account.password;
  }
  get database() {
    return this.#account.database;
  }
  get ssl() {
    return this.#account.ssl;
  }
}

class Method extends Getters {
  override get password(): never {
    return (() => super.password) as never;
  }
}

const anyDriver: Readonly<Record<string, Way>> = {
  "an object": (account) => account,
  "a class with getters": (account) => new Getters(account),
  "a hidden property": (account) =>
    Object.defineProperty({ ...account }, "password", { enumerable: false, value: account.password }),
  "a frozen object": (account) => Object.freeze({ ...account }),
};

/** A URL says of TLS what it can: here the certificate is nobody's whom Node.js knows. */
const mode = ({ ssl }: Account) => (ssl === undefined ? "" : "?sslmode=no-verify");

const onlyPg: Readonly<Record<string, Way>> = {
  "a URL": (account) => urlOf("postgres", account) + mode(account),
  "a URL object": (account) => new URL(urlOf("postgres", account) + mode(account)),
  "a connection string": (account) => ({
    connectionString: urlOf("postgres", account),
    ...(account.ssl === undefined ? {} : { ssl: account.ssl }),
  }),
  "a connection string with sslmode, and ssl": (account) => ({
    connectionString: `${urlOf("postgres", account)}?sslmode=${account.ssl ? "verify-full" : "disable"}`,
    ssl: account.ssl ?? false,
  }),
  "a connection string that is a URL object": (account) => ({
    connectionString: new URL(urlOf("postgres", account) + mode(account)),
  }),
  "a password beside a connection string": ({ password, ...account }) => ({
    ...account,
    connectionString: urlOf("postgres", { ...account, password: "" }).replace(":@", "@"),
    password,
  }),
  "a function": ({ password, ...account }) => ({ ...account, password: () => password }),
  "an asynchronous function": ({ password, ...account }) => ({ ...account, password: async () => password }),
  "a getter of a function": (account) => new Method(account),
};

const notPg = (scheme: string): Readonly<Record<string, Way>> => ({
  "a URL": (account) => urlOf(scheme, account),
  "a URL object": (account) => new URL(urlOf(scheme, account)),
});

const authority = new Authority();
afterAll(() => authority[Symbol.dispose]());

describeEach(SERVER_TARGETS, (target) => {
  let server: TlsServer;
  let right: Account;
  beforeAll(async () => {
    server = await TlsServer.create(target.server!, authority);
    const { hostname, port, username, password, pathname } = server.url;
    right = {
      host: hostname === "127.0.0.1" ? "localhost" : hostname,
      port: Number(port),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: pathname.slice(1),
    };
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function logIn(make: () => ConnectionPool): Promise<unknown> {
    await using pool = make();
    return pool.runQuery("select 1 as v").then(
      () => "in",
      (error: unknown) => `${(error as OperationalError).code}`,
    );
  }

  const options = { min: 0, max: 1, logger: quiet };
  const pool = (arg: unknown) => () => new ConnectionPool(target.name, arg as never, options);
  const fromUrl = (arg: unknown) => () => ConnectionPool.fromUrl(arg as never, options);

  const ways = { ...anyDriver, ...(target.name === "pg" ? onlyPg : notPg(target.server!)) };
  const uses = Object.entries(ways).flatMap(([name, way]) => [
    [name, way, pool] as const,
    ...(name.startsWith("a URL") ? [[`fromUrl, ${name}`, way, fromUrl] as const] : []),
  ]);

  test.each(uses)("every way to give one, and none that was not given: %s", async (name, way, make) => {
    const wrong = { ...right, password: `${right.password} ` };
    // In MySQL's URLs `ssl` wants an authority that Node.js knew at its start: tls.test.ts has them.
    const secure = target.name !== "pg" && name.includes("URL") ? [] : [{ ca: authority.ca }];
    for (const ssl of [undefined, ...secure]) {
      const tls = ssl === undefined ? {} : { ssl };
      process.env.PGPASSWORD = wrong.password;
      expect(await logIn(make(way({ ...right, ...tls })))).toBe("in");
      process.env.PGPASSWORD = right.password;
      expect(await logIn(make(way({ ...wrong, ...tls })))).toMatch(REFUSED);
      delete process.env.PGPASSWORD;
    }
  });

  test.each(["pä€ß😀", `a'b"c`, "%41%2f", " = & ; + ", "#/?@:[]"])(
    "whatever is in it: %j",
    async (password) => {
      const literal = `'${password.replaceAll("'", "''")}'`;
      if (target.name === "pg") {
        await server.ask(`drop role if exists other; create role other login password ${literal}`);
      } else {
        const how = target.name === "mariadb" ? `via ed25519 using password(${literal})` : `by ${literal}`;
        await server.ask(`create or replace user other@'%' identified ${how}`);
        await server.ask("grant all on test.* to other@'%'");
      }
      const other = { ...right, user: "other", password };
      const scheme = target.name === "pg" ? "postgres" : target.server!;
      expect(await logIn(pool(other))).toBe("in");
      expect(await logIn(pool(urlOf(scheme, other)))).toBe("in");
      expect(await logIn(fromUrl(new URL(urlOf(scheme, other))))).toBe("in");
      expect(await logIn(pool({ ...other, password: `${password}x` }))).toMatch(REFUSED);
    },
  );

  test("an empty one is none that the environment may replace", async () => {
    process.env.PGPASSWORD = right.password;
    expect(await logIn(pool({ ...right, password: "" }))).not.toBe("in");
    const { password: _, ...none } = right;
    if (target.name === "pg") expect(await logIn(pool(none))).toBe("in");
    delete process.env.PGPASSWORD;
  });

  test.runIf(target.name === "pg").each<[string, () => unknown]>([
    ["throws", () => Promise.reject(new Error("the vault is closed"))],
    ["gives no string", () => 12_345],
    ["gives nothing", () => undefined],
    ["gives a text with a NUL", () => "right\0 12345"],
  ])("a function that %s fails the connect", async (_, password) => {
    await using failing = new ConnectionPool("pg", { ...right, password } as never, options);
    const error = await failing.runQuery("select 1").then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: "OperationalError" });
    expect(String(error)).not.toContain("12345");
  });
});
