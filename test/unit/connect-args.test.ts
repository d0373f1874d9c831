/** What the drivers make of connect arguments that security hangs on. */
import mariadb from "adbapi/drivers/mariadb";
import mysql2 from "adbapi/drivers/mysql2";
import pg from "adbapi/drivers/pg";
import { expect, test } from "vitest";

const TLS = {
  ca: "-----BEGIN CERTIFICATE-----",
  rejectUnauthorized: false,
  servername: "db",
  minVersion: "TLSv1.3",
};

test.each([pg, mysql2, mariadb])("$name: TLS options reach the package untouched, as a copy", (driver) => {
  const given = { ...TLS };
  const [args] = driver.checkArgs!([{ host: "db", ssl: given }]) as [{ ssl: unknown }];
  expect(args.ssl).toEqual(TLS);
  expect(args.ssl).not.toBe(given);
  expect(given).toEqual(TLS);
});

test.each([pg, mysql2, mariadb])("$name: no TLS is asked for that the caller did not ask for", (driver) => {
  const [args] = driver.checkArgs!([{ host: "db" }]) as [{ ssl?: unknown }];
  expect(args.ssl).toBeUndefined();
});

test("pg: the key of a client's certificate is neither lost nor shown", () => {
  const ssl = { ...TLS, key: "-----BEGIN PRIVATE KEY-----" };
  const [args] = pg.checkArgs!([{ host: "db", ssl }]) as [{ ssl: { key: string } }];
  expect(args.ssl.key).toBe(ssl.key);
});

test("mysql2: the server is told that no local file can be read, unless the caller says how", () => {
  const flagsOf = (args: object) => (mysql2.checkArgs!([args]) as [{ flags?: unknown }])[0].flags;
  expect(flagsOf({})).toContain("-LOCAL_FILES");
  expect(flagsOf({ flags: ["FOUND_ROWS"] })).toEqual(["FOUND_ROWS", "-LOCAL_FILES"]);
  expect(flagsOf({ infileStreamFactory: () => process.stdin })).toBeUndefined();
});

test("mariadb: a server's redirect is not followed", () => {
  expect(mariadb.checkArgs!([{}])[0]).toMatchObject({ permitRedirect: false });
});
