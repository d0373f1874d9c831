/**
 * Texts and times go to MySQL and MariaDB as they were given, whatever the connect arguments and the server's settings.
 */
import { ConnectionPool } from "adbapi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askMysql } from "../../support/mysql-observer.js";
import { howToGet, type OwnServer, ownServer, serverUrl } from "../../support/servers.js";

const TEXT = "é€ž😀";
const HEX = Buffer.from(TEXT).toString("hex").toUpperCase();
const available = serverUrl("mysql") !== undefined;

describe.runIf(available)(`MySQL and MariaDB${available ? "" : ` (${howToGet("mysql")})`}`, () => {
  let server: OwnServer;
  const account = { user: "ordinary", password: "word" };
  beforeAll(async () => {
    server = await ownServer("mysql");
    // Not asked of those who may everything.
    for (const sql of [
      `create user ${account.user}@'%' identified by '${account.password}'`,
      `grant all on test.* to ${account.user}@'%'`,
      "set global init_connect = 'set names latin1'",
    ]) {
      await askMysql(server.url, sql);
    }
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const urlOf = (scheme: string, options: string) => {
    const url = new URL(server.url.replace(/^\w+:/, `${scheme}:`));
    url.username = account.user;
    url.password = account.password;
    url.search = [url.search.slice(1), options].filter(Boolean).join("&");
    return url;
  };

  describe.each(["mysql", "mariadb"])("%s:", (scheme) => {
    test.each(["", "charset=utf8", "charset=utf8mb4_bin"])(
      "texts with %j, where the server sets latin1",
      async (options) => {
        await using pool = ConnectionPool.fromUrl(urlOf(scheme, options), { min: 0, max: 1 });
        const roundTrip = async () => {
          const sql = `select ? as param, hex(?) as hex, '${TEXT}' as literal, convert(0x${HEX} using utf8mb4) as stored`;
          expect(await pool.runQuery(sql, [TEXT, TEXT])).toEqual([
            { param: TEXT, hex: HEX, literal: TEXT, stored: TEXT },
          ]);
        };
        await roundTrip();
        await pool.runWithConnection((connection) => connection.cursor().execute("set names latin1"));
        await roundTrip();
      },
    );
  });

  test.each([
    ["local", undefined],
    ["Z", "10:00:00"],
    ["+05:30", "15:30:00"],
    ["-03:15", "06:45:00"],
    ["UTC", "10:00:00"],
  ])("mysql2: Dates in the time zone %s", async (timezone, time) => {
    const noon = new Date("2025-07-01T10:00:00Z");
    const { hostname: host, port, pathname, search } = urlOf("mysql", "");
    const args = { host, port: Number(port), database: pathname.slice(1), ...account, timezone };
    const url = urlOf("mysql", `timezone=${encodeURIComponent(timezone)}`);
    for (const connectArgs of search === "" ? [args, url] : [url]) {
      await using pool = new ConnectionPool("mysql2", connectArgs, { min: 0, max: 1 });
      const [row] = await pool.runQuery("select cast(? as char) as t, cast(? as datetime) as d", [
        noon,
        noon,
      ]);
      expect(row).toEqual({
        t: `2025-07-01 ${time ?? noon.toTimeString().slice(0, 8)}`,
        d: noon,
      });
    }
  });
});
