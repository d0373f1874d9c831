/** Connect arguments of the PostgreSQL driver: nothing is opened. */
import { inspect } from "node:util";
import { pg } from "adbapi/drivers/pg";
import { describe, expect, test } from "vitest";

const configOf = (url: string) => pg.fromUrl!(url)[0] as Record<string, unknown>;
const check = (...args: unknown[]) => pg.checkArgs!(args)[0] as Record<string, unknown>;
const refusal = (work: () => unknown): Error => {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was not refused");
};

describe("a URL", () => {
  test("gives user, password, host, port and database, decoded", () => {
    const config = configOf("postgres://u%40x:p%2Fw@db.example:6543/my%20db");
    expect(config).toMatchObject({ user: "u@x", host: "db.example", port: 6543, database: "my db" });
    expect(config.password).toBe("p/w");
  });

  test.each([
    ["postgresql://h/d", { host: "h", database: "d" }],
    ["postgres://%2Fvar%2Frun%2Fpostgresql/d", { host: "/var/run/postgresql", database: "d" }],
    ["postgres:///d?host=/tmp", { host: "/tmp", database: "d" }],
    ["postgres://u@/d", { user: "u", database: "d" }],
    ["postgres://[::1]:1/d", { host: "::1", port: 1 }],
    ["postgres://h/d?sslmode=disable", { ssl: false }],
    ["postgres://h/d?sslmode=no-verify", { ssl: { rejectUnauthorized: false } }],
    ["postgres://h/d?sslmode=require", { ssl: true }],
    ["postgres://h/d?sslmode=verify-ca", { ssl: true }],
    ["postgres://h/d?sslmode=verify-full", { ssl: true }],
    ["postgres://h/d?channel_binding=require", { enableChannelBinding: true, ssl: true }],
    ["postgres://h/d?channel_binding=prefer", { enableChannelBinding: true }],
    [
      "postgres://h/d?sslmode=no-verify&channel_binding=require",
      { enableChannelBinding: true, ssl: { rejectUnauthorized: false } },
    ],
    ["postgres://h/d?sslnegotiation=direct", { sslnegotiation: "direct", ssl: true }],
    ["postgres://h/d?connect_timeout=3", { connectionTimeoutMillis: 3000 }],
    [
      "postgres://h/d?application_name=a%20b&options=-c%20x.y%3D1",
      { application_name: "a b", options: "-c x.y=1" },
    ],
  ])("%s", (url, expected) => {
    expect(configOf(url)).toMatchObject(expected);
  });

  test.each([
    ["mysql://u:sekret@h/d", /postgres:/],
    ["nonsense with sekret", /malformed/],
    ["postgres://u:sekret@h:99999/d", /malformed/],
    ["postgres://u:sekret%zz@h/d", /password.*percent-encoding/],
    ["postgres://u:sekret%00@h/d", /password.*percent-encoding/],
    ["postgres://u:sekret@h/d?application_name=%ff", /options.*percent-encoding/],
    ["postgres://u:sekret@h/d?sslrootcert=/etc/passwd", /sslrootcert.*files/],
    ["postgres://u:sekret@h/d?sslkey=x", /sslkey.*files/],
    ["postgres://u:sekret@h/d?sslcert=x", /sslcert.*files/],
    ["postgres://u:sekret@h/d?sslmode=prefer", /sslmode.*require/],
    ["postgres://u:sekret@h/d?sslmode=toString", /sslmode.*require/],
    ["postgres://u:sekret@h/d?query_timeout=1", /"query_timeout"/],
    ["postgres://u:sekret@h/d?__proto__=1", /"__proto__"/],
    ["postgres://u:sekret@h/d?connect_timeout=-1", /connect_timeout/],
  ])("%s is refused without the password", (url, message) => {
    const error = refusal(() => configOf(url));
    expect(error.name).toBe("InterfaceError");
    expect(error.message).toMatch(message);
    expect(inspect(error)).not.toContain("sekret");
  });
});

describe("connect arguments", () => {
  test("a string is a URL, an object is copied, nothing is the environment's affair", () => {
    const given = { host: "h", ssl: { ca: "c" } };
    const checked = check(given);
    expect(checked).toEqual(given);
    given.ssl.ca = "changed";
    expect(checked).toEqual({ host: "h", ssl: { ca: "c" } });
    expect(check("postgres://h/d")).toEqual({ host: "h", database: "d" });
    expect(check()).toEqual({});
  });

  test("a connection string inside of an object is taken apart, and wins", () => {
    const checked = check({ host: "x", password: "p", connectionString: "postgres://u:sekret@h/d" });
    expect(checked).toEqual({ host: "h", user: "u", database: "d" });
    expect(checked.password).toBe("sekret");
  });

  test("the password is not printed", () => {
    expect(inspect(check({ host: "h", password: "sekret" }), { depth: 9 })).not.toContain("sekret");
    expect(JSON.stringify(check("postgres://u:sekret@h/d"))).not.toContain("sekret");
  });

  test.each([
    [{ query_timeout: 5 }, /query_timeout.*timeoutMillis.*statementTimeoutMillis/],
    [{ pipeline: true }, /pipeline/],
    [{ binary: true }, /binary/],
    [{ max: 5 }, /`max`.*option of the pool/],
    [{ stream: {} }, /stream.*function/],
    [5, /URL or an object/],
    [null, /URL or an object/],
  ])("%j is refused", (arg, message) => {
    const error = refusal(() => check(arg));
    expect(error.name).toBe("InterfaceError");
    expect(error.message).toMatch(message);
  });

  test("more than one is refused", () => {
    expect(refusal(() => check({}, {})).name).toBe("InterfaceError");
  });
});

describe("what the text of a statement tells", () => {
  test.each([
    ["select * from t where id = $1", true, true],
    ["  SELECT count(*), max(a) from t where b in (1, 2)", true, true],
    ["select pg_sleep(1)", true, false],
    ["select nextval('s')", true, false],
    ["select app.pay(1)", true, false],
    ['select "pay"(1)', true, false],
    ["select * from t for update", false, false],
    ["select * from t for no key update", false, false],
    ["select * from t for share", false, false],
    ["select * from t FOR KEY SHARE", false, false],
    ["select * into x from t", false, false],
    ["select pg_advisory_lock(1)", false, false],
    ["select pg_try_advisory_xact_lock(1)", false, false],
    ["select set_config('a.b', 'c', false)", false, false],
    ["select lo_create(0)", false, false],
    ["select dblink('', '')", false, false],
    ["selection", false, false],
    ["with x as (delete from t returning *) select * from x", false, false],
    ["insert into t values (1)", false, false],
    ["copy t to stdout", false, false],
    ["begin", false, false],
  ])("%s: stackable %s, repeatable %s", (sql, stackable, repeatable) => {
    expect(pg.stackable!(sql)).toBe(stackable);
    expect(pg.repeatable!(sql)).toBe(repeatable);
  });
});
