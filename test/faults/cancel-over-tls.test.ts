/** F9 on a server that asks for TLS: what crosses the network for a cancel is as secret as the session. */
import { execFileSync } from "node:child_process";
import type { Socket } from "node:net";
import { CancelledError, ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { type Link, PortForwarder } from "../../examples/port-forward.js";
import { eventually } from "../support/eventually.js";
import { connectPostgres } from "../support/postgres-observer.js";
import { ownServer } from "../support/servers.js";

const SSL_REQUEST = "0000000804d2162f";
/** A TLS record: handshake, version 3.x. */
const CLIENT_HELLO = "1603";

/** Remembers what each client said. */
class Tap extends PortForwarder {
  readonly clients: Buffer[][] = [];

  protected override pipe(source: Socket, sink: Socket, link: Link): void {
    if (source === link.client) {
      const said: Buffer[] = [];
      this.clients.push(said);
      source.on("data", (piece: Buffer) => said.push(piece));
    }
    super.pipe(source, sink, link);
  }
}

/** A key, and a certificate for 127.0.0.1. */
function certificate(): string {
  const args =
    "req -x509 -newkey rsa:2048 -nodes -keyout - -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1";
  return execFileSync("openssl", args.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** Without TLS nobody gets in from now on. */
async function secure(url: string, pem: string): Promise<void> {
  const client = await connectPostgres(url);
  const write = (lines: string, program: string) =>
    client.query(`copy (select unnest(string_to_array('${lines}', E'\\n'))) to program '${program}'`);
  await write(pem, "cat > server.pem && chmod 600 server.pem");
  await write("hostssl all all all trust", "cat > pg_hba.conf");
  await client.query("alter system set ssl_cert_file = 'server.pem'");
  await client.query("alter system set ssl_key_file = 'server.pem'");
  await client.query("alter system set ssl = on");
  await client.query("select pg_reload_conf()");
  await client.end();
}

test("F9 a cancel travels with the session's TLS", async () => {
  await using server = await ownServer("postgres");
  const pem = certificate();
  await secure(server.url, pem);
  const tap = new Tap({ host: "127.0.0.1", port: server.port });
  const { port } = await tap.listen({ host: "127.0.0.1", port: 0 });
  const ssl = { ca: pem.slice(pem.indexOf("-----BEGIN CERTIFICATE")) };
  const args = { host: "127.0.0.1", port, user: "postgres", database: "postgres", ssl };
  const pool = new ConnectionPool("pg", args, { min: 0, max: 1 });
  try {
    const connect = () => pool.runQuery("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    await eventually(
      "the server's new settings",
      () =>
        connect().then(
          () => true,
          () => false,
        ),
      true,
    );
    expect(await connect()).toEqual([{ ssl: true }]);
    tap.clients.length = 0;

    const running = pool.runQuery("select pg_sleep(60)");
    await eventually("sleeping", () => pool.stats.inUse, 1);
    running.cancel();
    await expect(running).rejects.toBeInstanceOf(CancelledError);
    // On the same session, so the server has stopped the other.
    expect(await connect()).toEqual([{ ssl: true }]);
    expect(pool.stats.connects).toBe(1);

    expect(tap.clients).toHaveLength(1);
    const said = tap.clients[0]!.map((piece) => piece.toString("hex"));
    expect(said[0]).toBe(SSL_REQUEST);
    expect(said[1]!.slice(0, 4)).toBe(CLIENT_HELLO);
  } finally {
    await pool.close();
    await tap.close();
  }
});
