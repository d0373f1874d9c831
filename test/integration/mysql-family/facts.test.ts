/** What a session learns of itself when it is opened must not depend on the form in which a user has values come. */
import { ConnectionPool, type Queryable } from "adbapi";
import mariadb from "adbapi/drivers/mariadb";
import mysql2 from "adbapi/drivers/mysql2";
import { describe, expect, test } from "vitest";
import { serverUrl } from "../../support/servers.js";

const url = serverUrl("mysql");
const DRIVERS = { mysql2, mariadb };

type TypeCast = (column: { readonly type: string }, next: () => unknown) => unknown;

/** Numbers become something that is none. */
const boxed: TypeCast = (_, next) => {
  const value = next();
  return typeof value === "number" || typeof value === "bigint" ? { value } : value;
};
const nothing: TypeCast = ({ type }, next) => (/BIGINT|LONGLONG/.test(type) ? undefined : next());

const FORMS = [
  ["numbers as objects", { typeCast: boxed }],
  ["no numbers", { typeCast: nothing }],
] as const;

describe.runIf(url).each(["mysql2", "mariadb"] as const)("%s", (driver) => {
  test.each(FORMS)("%s: the session works, and is made new again", async (_, form) => {
    const [args] = DRIVERS[driver].fromUrl!(url!);
    await using pool = new ConnectionPool(driver, { ...(args as object), ...form } as never, {
      min: 1,
      max: 1,
    });
    const session = async (on: Queryable) =>
      String((await on.runQuery("select concat('session ', connection_id()) as id"))[0]!.id);
    const first = await session(pool);
    expect(first).toMatch(/^session \d+$/);
    await pool.runWithConnection((connection) => connection.cursor().execute("set @a = 1"));
    expect(await session(pool)).toBe(first);
  });
});
