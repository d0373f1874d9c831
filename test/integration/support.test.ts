/** The servers that other tests stand on: each is started, killed, restarted, and asked through its own package. */
import { Redis } from "ioredis";
import type { RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectMysql } from "../support/mysql-observer.js";
import { connectPostgres } from "../support/postgres-observer.js";
import { type OwnServer, ownServer, type ServerKind, serverUrl } from "../support/servers.js";

/** Adds one to a counter that lives at the server. */
const COUNTERS: Readonly<Record<ServerKind, (url: string) => Promise<number>>> = {
  postgres: countPostgres,
  mysql: countMysql,
  mariadb: countMysql,
  redis: countRedis,
};

for (const kind of ["postgres", "mariadb", "redis"] as const) {
  describe.runIf(serverUrl(kind))(`${kind}: an own server`, () => {
    let server: OwnServer;
    const count = () => COUNTERS[kind](server.url);

    beforeAll(async () => {
      server = await ownServer(kind);
    });
    afterAll(() => server?.close());

    test("is not the server of the run", () => {
      expect(server.url).not.toBe(serverUrl(kind));
    });

    test("answers", async () => {
      expect(await count()).toBe(1);
    });

    test("is gone after a kill, and back at the same place after a start", async () => {
      const { url } = server;
      await server.kill();
      await expect(count()).rejects.toThrow();
      await server.start();
      expect(server.url).toBe(url);
      expect(await count()).toBeGreaterThan(0);
    });

    test("keeps its data through a restart", async () => {
      const before = await count();
      await server.restart();
      // Redis is told to save nothing
      expect(await count()).toBe(kind === "redis" ? 1 : before + 1);
    });
  });
}

describe.runIf(serverUrl("postgres"))("a closed server", () => {
  test("leaves nothing", async () => {
    const server = await ownServer("postgres");
    await server.close();
    await expect(countPostgres(server.url)).rejects.toThrow();
  });
});

async function countPostgres(url: string): Promise<number> {
  const client = await connectPostgres(url);
  try {
    await client.query("create table if not exists visits (id serial)");
    await client.query("insert into visits default values");
    const { rows } = await client.query("select count(*)::int as n from visits");
    return rows[0].n;
  } finally {
    await client.end();
  }
}

async function countMysql(url: string): Promise<number> {
  const connection = await connectMysql(url);
  try {
    await connection.query("create table if not exists visits (id int auto_increment primary key)");
    await connection.query("insert into visits () values ()");
    const [rows] = await connection.query<RowDataPacket[]>("select count(*) as n from visits");
    return rows[0]!.n;
  } finally {
    await connection.end();
  }
}

async function countRedis(url: string): Promise<number> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {});
  try {
    await client.connect();
    return await client.incr("visits");
  } finally {
    client.disconnect();
  }
}
