/** What the drivers make of connect arguments, before anything is opened. */
import { generateKeyPairSync } from "node:crypto";
import { Socket } from "node:net";
import { inspect } from "node:util";
import { ConnectionPool, InterfaceError } from "adbapi";
import mariadb from "adbapi/drivers/mariadb";
import mysql2 from "adbapi/drivers/mysql2";
import pg from "adbapi/drivers/pg";
import { describe, expect, test } from "vitest";

const DRIVERS = [pg, mysql2, mariadb];

type Args = Record<string, unknown>;

const check = (driver: (typeof DRIVERS)[number], arg: unknown) => driver.checkArgs!([arg])[0] as Args;

const TLS = {
  ca: "-----BEGIN CERTIFICATE-----",
  rejectUnauthorized: false,
  minVersion: "TLSv1.3",
};

const PASSPHRASE = "SECRET-PASSPHRASE";
const { privateKey: KEY } = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: PASSPHRASE },
});

describe.each(DRIVERS)("$name", (driver) => {
  test("TLS options reach the package untouched, as a copy", () => {
    const given = { ...TLS };
    const args = check(driver, { host: "db", ssl: given });
    expect(args.ssl).toEqual(TLS);
    expect(args.ssl).not.toBe(given);
    expect(given).toEqual(TLS);
  });

  test("no TLS is asked for that the caller did not ask for", () => {
    expect(check(driver, { host: "db" }).ssl).toBeUndefined();
  });

  test("a key is neither lost nor shown, also where the caller hides it", () => {
    const ssl = { key: KEY };
    Object.defineProperty(ssl, "key", { enumerable: false });
    Object.defineProperty(ssl, "passphrase", { value: PASSPHRASE });
    const { ssl: own } = check(driver, { host: "db", ssl });
    expect(JSON.stringify(own) + inspect(own, { depth: 9 })).not.toMatch(/SECRET|PRIVATE KEY/);
    // Either as it was, or as what Node.js made of it.
    if (driver === mysql2) expect(own).toMatchObject({ key: KEY, passphrase: PASSPHRASE });
    else expect(own).toHaveProperty("secureContext");
    expect(() => check(driver, { ssl: { key: KEY, passphrase: "another" } })).toThrow(InterfaceError);
  });

  test("getters, inherited and hidden properties are arguments too", () => {
    class Config {
      readonly host = "h";
      get user() {
        return "u";
      }
      get password() {
        return "p";
      }
    }
    expect(check(driver, new Config())).toMatchObject({ host: "h", user: "u" });
    expect(check(driver, new Config()).password).toBe("p");
    const hidden = Object.defineProperty({ host: "h" }, "password", { value: "p" });
    expect(check(driver, hidden).password).toBe("p");
    expect(check(driver, Object.create({ password: "p" })).password).toBe("p");
  });

  test("what is null is not given", () => {
    const args = check(driver, { host: null, port: null, user: null, password: null, ssl: null, max: null });
    for (const value of Object.values(args)) expect(value).not.toBeNull();
    expect(() => driver.identify!(driver.checkArgs!([{ host: null }]))).not.toThrow();
  });

  test("a URL object is a URL, and nothing else is one", () => {
    const scheme = driver === pg ? "postgres" : "mysql";
    expect(check(driver, new URL(`${scheme}://u:p@h:1/d`))).toMatchObject({ host: "h", port: 1, user: "u" });
    const options = { host: "h", password: "12345" };
    class Empty {}
    const objects = [
      Promise.resolve(options),
      new Map(Object.entries(options)),
      new Empty(),
      Buffer.from("12345"),
    ];
    for (const none of [5, () => {}, [], null, new String(`${scheme}://u:12345@h`), ...objects]) {
      expect(() => check(driver, none)).toThrow(InterfaceError);
      expect(() => check(driver, none)).toThrow(/^(?!.*12345)/s);
    }
  });

  test.each([
    [
      "password",
      [
        12_345,
        true,
        { 12345: 1 },
        ["12345"],
        12_345n,
        Symbol("12345"),
        "12345\0",
        "12345\ud800",
        Buffer.from("x"),
      ],
    ],
    ["user", [12_345, {}, "a\0database\0b"]],
    ["database", [12_345, []]],
    ["host", [12_345, "h\0"]],
    ["port", [-1, 1.5, 65_536, Number.NaN, "http", "", {}]],
    [
      "ssl",
      [
        1,
        [],
        () => {},
        Buffer.from("12345"),
        Promise.resolve({ ca: "12345" }),
        new Date(0),
        new Map([["ca", "12345"]]),
      ],
    ],
    ["stream", [{}, "s"]],
  ])("%s of a wrong type is refused by the constructor, without the value", (name, values) => {
    for (const value of values) {
      const make = () => new ConnectionPool(driver, { host: "h", [name]: value });
      expect(make).toThrow(InterfaceError);
      expect(make).toThrow(`"${name}"`);
      expect(make).toThrow(/^(?!.*12345)/s);
    }
  });

  test("TLS options of a wrong type are refused by the constructor, without the value", () => {
    for (const ssl of [
      { rejectUnauthorized: 0 },
      { rejectUnauthorized: "false" },
      { key: 12_345 },
      { passphrase: 12_345, key: KEY },
      { ca: [12_345] },
      { minVersion: "12345" },
      { cert: "SECRET" },
    ]) {
      const make = () => new ConnectionPool(driver, { host: "h", ssl });
      expect(make).toThrow(InterfaceError);
      expect(make).toThrow(/^(?!.*(?:12345|SECRET))/s);
    }
  });

  test.each<[string, (...args: never[]) => unknown]>([
    ["a number", () => 5],
    ["an object", () => ({})],
    ["a promise", async () => new Socket()],
    ["a number, late", (ready: unknown) => (typeof ready === "function" ? void ready(null, 5) : 5)],
  ])("a stream that makes %s fails the connect", async (_, stream) => {
    const options = { min: 0, acquireTimeoutMillis: 5_000 };
    await using pool = new ConnectionPool(driver, { host: "127.0.0.1", stream }, options);
    await expect(pool.runQuery("select 1")).rejects.toThrow(/must make a socket|Connection closed/);
  });

  test("a port as text, as environments have it", () => {
    expect(check(driver, { port: "5432" }).port).toBe("5432");
  });
});

describe("a password that was not encoded", () => {
  const PARTS = [
    "/9",
    "?9",
    "#9",
    "12/",
    "12?",
    "/",
    "p@ss/",
    "p@ss?",
    "p@s#",
    "a/b@c/",
    ":/",
    "\\/",
    "9\n",
    "\t",
  ];
  const URLS = [
    "postgres://app:PWD@db.example.invalid/t",
    "mysql://app:PWD@db/t?charset=utf8mb4",
    "mariadb://app:PWD@db",
  ];
  const CASES = URLS.flatMap((url) => PARTS.map((part) => url.replace("PWD", () => `${part}sEcReT`)));

  test.each(CASES.map((url) => [JSON.stringify(url), url]))("%s is refused without it", (_, url) => {
    let error: unknown;
    try {
      ConnectionPool.fromUrl(url);
    } catch (refusal) {
      error = refusal;
    }
    expect(error).toBeInstanceOf(InterfaceError);
    expect(inspect(error, { depth: 9 })).not.toMatch(/secret/i);
  });

  test.each([
    ["postgres", "u%40:p%2Fw%3F%23@", "p/w?#"],
    ["mysql", "u%40:p%2Fw%3F%23@", "p/w?#"],
    ["postgres", "u:a@b:c@", "a@b:c"],
    ["mariadb", "u:a@b:c@", "a@b:c"],
    ["postgres", "u:a b[]|^`\\é+@", "a b[]|^`\\é+"],
    ["mysql", "u:a b[]|^`\\é+@", "a b[]|^`\\é+"],
  ])("%s://%s… is what it says", (scheme, user, password) => {
    const driver = { postgres: pg, mysql: mysql2, mariadb }[scheme]!;
    expect((driver.fromUrl!(`${scheme}://${user}h/d`)[0] as Args).password).toBe(password);
    expect(check(driver, new URL(`${scheme}://${user}h/d`)).password).toBe(password);
  });

  test.each([
    "sqlite://u:sEcReT@h/x",
    "sqlite:f?key=sEcReT",
    "sqlite:f?sEcReT",
    "sqlite:f#sEcReT",
    "sqlite:%zzsEcReT",
    "sqlite:f?driver=sEcReT",
    "sqlite:f?mode=sEcReT",
    "secret:x",
  ])("%s is refused without it", (url) => {
    expect(() => ConnectionPool.fromUrl(url)).toThrow(InterfaceError);
    expect(() => ConnectionPool.fromUrl(url)).toThrow(/^(?!.*secret)/is);
  });
});

test.each(["postgres", "mysql", "mariadb"])(
  "%s: an unknown option is named where it cannot be a password",
  (scheme) => {
    expect(() => ConnectionPool.fromUrl(`${scheme}://u:p@h/d?colour=1`)).toThrow(/unknown option "colour"/);
    expect(() => ConnectionPool.fromUrl(`${scheme}://app:9?sEcReT`)).toThrow(/^(?!.*secret)/is);
  },
);

test("a URL without end is refused, whatever it holds", () => {
  for (const start of ["postgres://u:", "mysql://u:", "mariadb://u:p@h/d?", "sqlite:", "x"]) {
    for (const text of ["a", "@", "/", "%", "?", "&driver="]) {
      expect(() => ConnectionPool.fromUrl(start + text.repeat(1_000_000))).toThrow(InterfaceError);
    }
  }
  for (const driver of DRIVERS) {
    expect(() => check(driver, `postgres://u:p@h/${"@".repeat(1_000_000)}`)).toThrow(InterfaceError);
  }
});

describe("MySQL and MariaDB", () => {
  const FAMILY = [mysql2, mariadb];
  const zoned = (driver: (typeof FAMILY)[number], timezone: string) => check(driver, { timezone }).timezone;

  test("mysql2: the server is told that no local file can be read, unless the caller says how", () => {
    const flagsOf = (args: object) => check(mysql2, args).flags;
    expect(flagsOf({})).toContain("-LOCAL_FILES");
    expect(flagsOf({ flags: ["FOUND_ROWS"] })).toEqual(["FOUND_ROWS", "-LOCAL_FILES"]);
    expect(flagsOf({ infileStreamFactory: () => process.stdin })).toBeUndefined();
  });

  test("mariadb: a server's redirect is not followed", () => {
    expect(check(mariadb, {})).toMatchObject({ permitRedirect: false });
  });

  test.each(["pfx", "crl", "servername", "checkServerIdentity", "secureContext"])(
    "mysql2: the TLS option %s, which it drops, is refused",
    (name) => {
      const value = name === "checkServerIdentity" ? () => undefined : name === "secureContext" ? {} : "x";
      expect(() => check(mysql2, { ssl: { [name]: value } })).toThrow(InterfaceError);
    },
  );

  test.each(FAMILY)("$name: ssl=true in a URL has chain and name checked", (driver) => {
    const { ssl } = driver.fromUrl!("mysql://h/d?ssl=true")[0] as Args;
    expect(ssl).toEqual(
      driver === mysql2 ? { rejectUnauthorized: true, verifyIdentity: true } : { rejectUnauthorized: true },
    );
  });

  test.each([
    "+0530",
    "+25:00",
    "-14:00",
    "+14:01",
    "+05:60",
    "5:30",
    "+5:30",
    "",
    "nonsense",
    "z",
    "Z ",
    "GMT+5:30",
    "GMT",
    "+1:00",
  ])("the time zone %j is refused", (zone) => {
    for (const driver of FAMILY) expect(() => zoned(driver, zone)).toThrow(InterfaceError);
    for (const scheme of ["mysql", "mariadb"]) {
      const url = `${scheme}://h/d?timezone=${encodeURIComponent(zone)}`;
      expect(() => ConnectionPool.fromUrl(url)).toThrow(InterfaceError);
    }
  });

  test("time zones that a package does right pass", () => {
    for (const driver of FAMILY) {
      for (const zone of ["local", "Z", "+00:00", "+05:30", "-13:59", "+14:00"])
        expect(zoned(driver, zone)).toBe(zone);
    }
    // Nothing but an offset is known to mysql2; mariadb has the server know it.
    expect(zoned(mysql2, "UTC")).toBe("Z");
    for (const zone of ["Europe/Prague", "GMT+5", "Etc/GMT-14"]) {
      expect(() => zoned(mysql2, zone)).toThrow(InterfaceError);
      expect(zoned(mariadb, zone)).toBe(zone);
    }
    const [fromUrl] = mysql2.fromUrl!("mysql://h/d?timezone=+05:30") as [Args];
    expect(check(mysql2, fromUrl).timezone).toBe("+05:30");
  });

  test.each([
    "latin1",
    "binary",
    "ascii",
    "cp1252",
    "utf16",
    "utf32",
    "ucs2",
    "gbk",
    "LATIN1_SWEDISH_CI",
    "utf8mb5",
    "utf8; drop table x",
    "",
  ])("the charset %j is refused", (charset) => {
    for (const driver of FAMILY) expect(() => check(driver, { charset })).toThrow(InterfaceError);
    expect(() => check(mariadb, { collation: charset })).toThrow(InterfaceError);
    expect(() => check(mysql2, { charsetNumber: 8 })).toThrow(InterfaceError);
  });

  test("utf8 is what everybody means by it", () => {
    for (const driver of FAMILY) {
      const collation = driver === mysql2 ? "charset" : "collation";
      expect(check(driver, { charset: "utf8" }).charset).toBe("utf8mb4");
      expect(check(driver, { charset: "UTF8_unicode_ci" })[collation]).toBe("utf8mb4_unicode_ci");
      expect(check(driver, { charset: "utf8mb4_bin" })[collation]).toBe("utf8mb4_bin");
    }
    expect(check(mariadb, { charset: "utf8mb4", collation: "utf8mb3_bin" })).toMatchObject({
      collation: "utf8mb4_bin",
    });
  });
});

describe("PostgreSQL: TLS in a URL and in `ssl`", () => {
  const URL_ = "postgres://h/d";
  const both = (option: string, ssl: unknown) =>
    check(pg, { connectionString: `${URL_}?${option}`, ssl }).ssl as unknown;
  const own = () => undefined;

  test.each([
    ["sslmode=disable", { ca: "c" }],
    ["sslmode=disable", true],
    ["ssl=0", {}],
    ["sslmode=require", false],
    ["sslmode=verify-full", false],
    ["ssl=true", false],
    ["sslmode=no-verify", true],
    ["sslmode=no-verify", { ca: "c" }],
    ["sslmode=no-verify", { rejectUnauthorized: true }],
    ["sslmode=no-verify", false],
    ["sslmode=require", { rejectUnauthorized: false }],
    ["sslmode=verify-full", { rejectUnauthorized: false }],
    ["sslmode=verify-full", { checkServerIdentity: own }],
    ["sslmode=verify-full&ssl=0", undefined],
    ["sslmode=require&sslmode=disable", undefined],
    ["sslmode=no-verify&ssl=true", undefined],
    ["sslmode=disable&channel_binding=require", undefined],
    ["sslnegotiation=direct&ssl=false", undefined],
    ["channel_binding=require", false],
  ])("%s and %o contradict each other", (option, ssl) => {
    expect(() => both(option, ssl)).toThrow(InterfaceError);
    expect(() => both(option, ssl)).toThrow("TLS");
  });

  test.each([
    ["sslmode=verify-full", { ca: "c" }, { ca: "c" }],
    ["sslmode=require", { ca: "c", rejectUnauthorized: true }, { ca: "c", rejectUnauthorized: true }],
    ["sslmode=require", true, true],
    ["sslmode=require", undefined, true],
    ["sslmode=require", null, true],
    ["sslmode=disable", false, false],
    ["sslmode=no-verify", { ca: "c", rejectUnauthorized: false }, { ca: "c", rejectUnauthorized: false }],
    ["application_name=a", { ca: "c" }, { ca: "c" }],
    ["application_name=a", { checkServerIdentity: own }, { checkServerIdentity: own }],
  ])("%s and %o are %o", (option, ssl, expected) => {
    expect(both(option, ssl)).toEqual(expected);
  });

  test("what pg would not hear of is refused", () => {
    for (const key of ["sslmode", "sslrootcert", "sslcert", "sslkey"]) {
      expect(() => check(pg, { [key]: "require" })).toThrow(InterfaceError);
    }
    expect(() => check(pg, { ssl: "require" })).toThrow(InterfaceError);
    expect(() => check(pg, { client_encoding: "latin1" })).toThrow(InterfaceError);
    expect(() => check(pg, { connectionString: 5 })).toThrow(InterfaceError);
    expect(() => check(pg, { types: {} })).toThrow(InterfaceError);
  });

  test("a connection string may be a URL object", () => {
    const checked = check(pg, { connectionString: new URL("postgres://u:p@h/d") });
    expect(checked).toEqual({ user: "u", host: "h", database: "d" });
    expect(checked.password).toBe("p");
  });
});
