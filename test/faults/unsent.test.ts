/**
 * What a package throws while it sends fails the caller, and leaves nothing in flight: the session goes on, or is given
 * up. The pool's own check of params lets little of that happen.
 */
import mariadb from "adbapi/drivers/mariadb";
import mysql2 from "adbapi/drivers/mysql2";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DriverConnection } from "../../drivers/driver.js";
import { selectedTargets } from "../support/selection.js";
import { serverUrl } from "../support/servers.js";

const DRIVERS = { mysql2, mariadb };
const SQL = "insert into unsent (v, at) values (?, ?)";
const refusal = new TypeError("not to be written");

class Unwritable extends Date {
  override getFullYear(): number {
    throw refusal;
  }
}

const unwritable = {
  toJSON() {
    throw refusal;
  },
};

describe.each(["mysql2", "mariadb"] as const)("%s", (name) => {
  const url = serverUrl(name === "mysql2" ? "mysql" : "mariadb");
  const runs = test.runIf(url !== undefined && selectedTargets().includes(name));

  async function connect(): Promise<DriverConnection> {
    const driver = DRIVERS[name];
    const connection = await driver.connect(driver.checkArgs!(driver.fromUrl!(url!)), {
      settings: { name: "test", prepare: true, pipeline: 8, int64: "driver" },
      signal: new AbortController().signal,
      onLost: () => {},
    });
    onTestFinished(() => connection.destroy());
    const create = "create temporary table unsent (v int, at varchar(60))";
    await connection.execute({ sql: create, params: undefined, rowMode: "object" });
    await connection.begin({});
    return connection;
  }

  /** It answers, or says at once that it has ended; and its end waits for nobody. */
  async function expectSettled(connection: DriverConnection): Promise<void> {
    const asked = connection.execute({ sql: "select 1 as a", params: undefined, rowMode: "object" });
    if (connection.state === "broken") await expect(asked).rejects.toMatchObject({ outcome: "not sent" });
    else expect((await asked).rows).toEqual([{ a: 1 }]);
    await connection.close();
  }

  const lists = (at: number, value: unknown) =>
    Array.from({ length: 12 }, (_, n) => (n === at ? [n, value] : [n, null]));
  /** Values of the same type: these can travel in bulk. */
  const dates = (at: number) =>
    Array.from({ length: 12 }, (_, n) => [n, n === at ? new Unwritable() : new Date(2_000, 1, n)]);

  const MANY = {
    "the first list": lists(0, unwritable),
    "a list in the midst": lists(5, unwritable),
    "the last list": lists(11, unwritable),
    "the first date": dates(0),
    "a date in the midst": dates(5),
  };
  for (const [what, rows] of Object.entries(MANY)) {
    runs(`executeMany, ${what}`, async () => {
      const connection = await connect();
      await expect(connection.executeMany!(SQL, rows)).rejects.toBe(refusal);
      await expectSettled(connection);
    });
  }

  runs("one statement", async () => {
    const connection = await connect();
    await expect(connection.execute({ sql: SQL, params: [1, unwritable], rowMode: "object" })).rejects.toBe(
      refusal,
    );
    await expectSettled(connection);
  });

  runs("a stream", async () => {
    const connection = await connect();
    const statement = { sql: "select ? as a", params: [unwritable], rowMode: "object" } as const;
    const stream = connection.stream!(statement, 10);
    await expect(stream.next()).rejects.toBe(refusal);
    await expectSettled(connection);
  });
});
