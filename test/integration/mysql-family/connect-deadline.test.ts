/**
 * `connectTimeout` is for all that opening a session takes: what is asked of a new session too, whose server has
 * greeted and let it in.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { ConnectionPool, OperationalError } from "adbapi";
import { describe, expect, onTestFinished, test } from "vitest";
import { mysql2Target } from "../../support/mysql-targets.js";
import { selectedTargets } from "../../support/selection.js";
import { serverUrl } from "../../support/servers.js";

const url = serverUrl("mysql");

/**
 * Stands before the server, and keeps its answers back from the first question on that has this word in it. Fires with
 * a port.
 */
async function stalling(word: string): Promise<{ readonly port: number; readonly sockets: Set<Socket> }> {
  const { hostname, port } = new URL(url!);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const backend = connect(Number(port || 3306), hostname);
    sockets.add(client);
    client.on("error", () => {}).on("close", () => backend.destroy());
    backend.on("error", () => {}).on("close", () => client.destroy());
    let silent = false;
    client.on("data", (bytes) => {
      silent ||= bytes.includes(word);
      backend.write(bytes);
    });
    backend.on("data", (bytes) => silent || client.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

describe.runIf(url && mysql2Target.readable).each([
  ["mysql2", "CONNECTION_ID()", {}],
  ["mariadb", "CONNECTION_ID()", {}],
  ["mariadb", "COLLATION(?)", { initSql: "SET NAMES utf8mb4 COLLATE utf8mb4_bin" }],
] as const)("%s, silent from %s on", (driver, word, args) => {
  const runs = test.runIf(selectedTargets().includes(driver));
  const opening = async (connectTimeout: number, min: number) => {
    const { port, sockets } = await stalling(word);
    const { username, password, pathname } = new URL(url!);
    const account = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
    const own = { host: "127.0.0.1", port, ...account, database: pathname.slice(1) };
    const options = { min, max: 1, acquireTimeoutMillis: 60_000 };
    const pool = new ConnectionPool(driver, { ...own, ...args, connectTimeout }, options);
    return { pool, sockets };
  };

  runs("the attempt ends by its deadline, and leaves nothing open", async () => {
    const { pool, sockets } = await opening(1_500, 1);
    await using _pool = pool;
    const error = await pool.start().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(OperationalError);
    expect((error as Error).message).toContain("no answer in 1500 ms");
    // The pool goes on trying: between two attempts.
    const closed = () => sockets.size > 0 && [...sockets].every((socket) => socket.destroyed);
    await expect.poll(closed).toBe(true);
  });

  runs("a pool that closes meanwhile waits for nothing", async () => {
    const { pool, sockets } = await opening(0, 0);
    const asked = Promise.resolve(pool.runQuery("select 1")).then(
      () => "answered",
      () => "refused",
    );
    await expect.poll(() => sockets.size).toBe(1);
    await pool.close({ timeoutMillis: 100 });
    expect(await asked).toBe("refused");
    await expect.poll(() => [...sockets].every((socket) => socket.destroyed)).toBe(true);
  });
});
