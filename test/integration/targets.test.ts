/** What the other tests believe of a target, seen through the database's own packages. */
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { connectMysql } from "../support/mysql-observer.js";
import { connectPostgres } from "../support/postgres-observer.js";
import { describeEach, TARGETS, type TestDatabase } from "../support/targets.js";

/** Opens a session of its own; gives how to ask it and how to end it. */
const SESSIONS = {
  postgres: async (url: string) => {
    const client = await connectPostgres(url, { options: "" });
    return { ask: async (sql: string) => (await client.query(sql)).rows, end: () => client.end() };
  },
  mysql: async (url: string) => {
    const connection = await connectMysql(url);
    connection.on("error", () => {});
    return { ask: async (sql: string) => (await connection.query(sql))[0], end: () => connection.destroy() };
  },
  file: async (path: string) => {
    const database = new Database(path);
    return { ask: async (sql: string) => database.prepare(sql).all(), end: () => database.close() };
  },
};

describeEach(TARGETS, (target) => {
  const open =
    SESSIONS[target.server === "postgres" ? "postgres" : target.server === undefined ? "file" : "mysql"];
  const sessions = (database: TestDatabase) => eventually("sessions", () => database.countSessions(), 0);

  test("sessions are counted, each in its own database", async () => {
    await using database = await target.createDatabase();
    await using other = await target.createDatabase();
    const [first, second] = [await open(database.connectArgs), await open(database.connectArgs)];
    await Promise.all([first.ask("select 1"), second.ask("select 1")]);
    expect(await database.countSessions()).toBe(2);
    expect(await other.countSessions()).toBe(0);
    await Promise.all([first.end(), second.end()]);
    await sessions(database);
  });

  test("observe sees rows", async () => {
    await using database = await target.createDatabase();
    expect(await database.observe("select 'seen' as word")).toEqual([{ word: "seen" }]);
    await sessions(database);
  });

  test("params are marked in its paramstyle", () => {
    const marked = target.paramstyle === "numeric" ? "select $1, $2" : "select ?, ?";
    expect(target.sql("select ?, ?")).toBe(marked);
    expect(marked).toContain(target.placeholder(2));
  });

  if (target.sessionIdSql !== undefined) {
    const sessionIdSql = target.sessionIdSql;

    test("a session is killed by its id, and no other", async () => {
      await using database = await target.createDatabase();
      const [victim, bystander] = [await open(database.connectArgs), await open(database.connectArgs)];
      const [row] = (await victim.ask(sessionIdSql)) as { id: unknown }[];
      await database.killSession(row!.id);
      await expect(victim.ask("select 1")).rejects.toThrow();
      await bystander.ask("select 1");
      await bystander.end();
      await sessions(database);
    });

    test("all sessions of a database are killed", async () => {
      await using database = await target.createDatabase();
      const session = await open(database.connectArgs);
      await database.killSessions();
      await expect(session.ask("select 1")).rejects.toThrow();
      await sessions(database);
    });
  }
});
