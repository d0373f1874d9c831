/**
 * Behind a balancer the connection that is to stop a statement may lead to another server, where a stranger has the
 * session's number.
 */
import { type AddressInfo, createServer, connect as dial, type Socket } from "node:net";
import { CancelledError, ConnectionPool } from "adbapi";
import mysql from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { selectedTargets } from "../support/selection.js";
import { type OwnServer, ownServer, serverUrl } from "../support/servers.js";

function partsOf(server: OwnServer) {
  const { port, username, password, pathname } = new URL(server.url);
  const account = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  return { host: "127.0.0.1", port: Number(port), ...account, database: pathname.slice(1) };
}

/** Each new connection goes where `next` says. */
class Balancer implements AsyncDisposable {
  next: () => OwnServer;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    const server = dial(partsOf(this.next()).port, "127.0.0.1");
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
      one.pipe(other);
    }
  });

  constructor(next: () => OwnServer) {
    this.next = next;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe.runIf(serverUrl("mysql") !== undefined)("two servers behind one address", () => {
  let home: OwnServer;
  let foreign: OwnServer;
  beforeAll(async () => {
    [home, foreign] = await Promise.all([ownServer("mysql"), ownServer("mysql")]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([home?.close(), foreign?.close()]);
  });

  /** A session of somebody else's, with the same number at the other server; it runs for some seconds. */
  async function stranger(id: number) {
    for (;;) {
      const connection = await mysql.createConnection(partsOf(foreign));
      if (connection.threadId === id) {
        const ran = connection.query("select sleep(4) as stopped").then(([rows]) => rows);
        return { ran, end: () => connection.destroy() };
      }
      if (connection.threadId > id) throw new Error("the number is taken");
      connection.destroy();
    }
  }

  describe.each(["mysql2", "mariadb"] as const)("%s", (driver) => {
    const runs = test.runIf(selectedTargets().includes(driver));

    for (const elsewhere of ["always", "once"] as const) {
      runs(
        `a cancel that is led elsewhere, ${elsewhere}, stops nobody's statement but its own`,
        async () => {
          await using balancer = new Balancer(() => home);
          const port = await balancer.listen();
          // The numbers at home are ahead of those of the other server.
          for (let n = 0; n < 60; n++) (await mysql.createConnection(partsOf(home))).destroy();
          await using pool = new ConnectionPool(driver, { ...partsOf(home), port } as never, {
            min: 1,
            max: 1,
          });
          const [row] = await pool.runQuery<{ id: number }>("select connection_id() as id");
          const other = await stranger(Number(row!.id));
          let led = 0;
          balancer.next = () => (elsewhere === "always" || led++ === 0 ? foreign : home);
          const work = pool.runQuery("select sleep(30)");
          const failed = expect(Promise.resolve(work)).rejects.toBeInstanceOf(CancelledError);
          await using watch = await watching(home);
          await eventually("it runs", () => watch.sleeping(), 1);
          work.cancel();
          await failed;
          // Stopped at home, or its session is given up; the stranger sleeps to the end.
          if (elsewhere === "once") await eventually("it is stopped", () => watch.sleeping(), 0);
          expect(await other.ran).toEqual([{ stopped: 0 }]);
          other.end();
          balancer.next = () => home;
          expect(await pool.runQuery("select 1 as n")).toHaveLength(1);
          expect(pool.stats.connects).toBe(elsewhere === "always" ? 2 : 1);
        },
        60_000,
      );
    }
  });
});

/** A session beside, that looks at what runs. */
async function watching(server: OwnServer) {
  const connection = await mysql.createConnection(partsOf(server));
  return {
    async sleeping() {
      const [rows] = await connection.query(
        "select count(*) as n from information_schema.processlist where info like 'select sleep(30)%'",
      );
      return Number((rows as { n: number }[])[0]!.n);
    },
    async [Symbol.asyncDispose]() {
      connection.destroy();
    },
  };
}
