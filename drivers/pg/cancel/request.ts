/** A request to stop what a session runs, over a connection of its own, as secure as the session's. */

import { isIP, Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Client, ClientConfig } from "pg";

const DEADLINE_MILLIS = 5000;
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** What pg's client knows of its session, and its types do not say. */
interface Session {
  readonly processID: number;
  readonly secretKey: number;
  readonly ssl: boolean | ConnectionOptions;
  readonly sslNegotiation: string;
}

/**
 * Fires when the server has closed the connection: it does so after it has passed the request on. Rejects where the
 * caller's `stream` makes no socket.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export async function requestCancel(
  client: Client,
  config: ClientConfig,
  deadlineMillis = DEADLINE_MILLIS,
): Promise<void> {
  const session = client as unknown as Session;
  const raw = (config.stream?.() ?? new Socket()) as Socket;
  return new Promise((resolve) => {
    const deadline = setTimeout(() => raw.destroy(), deadlineMillis);
    raw.once("close", () => {
      clearTimeout(deadline);
      resolve();
    });
    raw.on("error", ignore);
    raw.once("connect", () => {
      if (session.ssl) secure(raw, client.host, session);
      else raw.write(cancelRequest(session));
    });
    // The very server that the session is with: its name may lead to several.
    const { remoteAddress } = client.connection.stream as Socket;
    if (client.host.startsWith("/")) raw.connect(`${client.host}/.s.PGSQL.${client.port}`);
    else raw.connect(client.port, remoteAddress ?? client.host);
  });
}

function secure(raw: Socket, host: string, session: Session): void {
  const handshake = () => {
    const tls = connectTls({
      host,
      ...(typeof session.ssl === "boolean" ? {} : session.ssl),
      ...(session.sslNegotiation === "direct" ? { ALPNProtocols: ["postgresql"] } : {}),
      // As pg does for the session.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      socket: raw,
    });
    tls.on("error", () => raw.destroy());
    tls.on("close", () => raw.destroy());
    tls.once("secureConnect", () => tls.write(cancelRequest(session)));
    tls.resume();
  };
  if (session.sslNegotiation === "direct") {
    handshake();
  } else {
    raw.once("data", (answer) => (answer.toString("latin1") === "S" ? handshake() : raw.destroy()));
    raw.write(SSL_REQUEST);
  }
}

function cancelRequest({ processID, secretKey }: Session): Buffer {
  const packet = Buffer.alloc(16);
  packet.writeInt32BE(16, 0);
  packet.writeInt32BE(80_877_102, 4);
  packet.writeInt32BE(processID, 8);
  packet.writeInt32BE(secretKey, 12);
  return packet;
}

function ignore(): void {}
