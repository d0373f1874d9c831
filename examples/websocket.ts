/**
 * An echo server over WebSockets that keeps what it hears, and a page to watch its pool at work.
 *
 *     npm run example websocket                 ports 8084 and 8085
 *     npm run example websocket -- 9084 9085
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { ConnectionPool } from "adbapi";
import { monitor } from "adbapi/monitor";
import { MultiService, poolService, runService, Service } from "adbapi/service";
import { WebSocket, WebSocketServer } from "ws";

const [echoPort = "8084", monitorPort = "8085"] = process.argv.slice(2);

/** The messages that are kept, the last of them: with the largest that is taken, 64 MB. */
const KEPT = 1_000;

/** What one guest, and all of them, may cost. */
const MOST_GUESTS = 100;
const MOST_BYTES = 65_536;
const MOST_UNANSWERED = 64;
const MOST_UNREAD_BYTES = 1_000_000;
const HEARTBEAT_MILLIS = 30_000;
const LIMITS = { headersTimeout: 5_000, requestTimeout: 5_000, connectionsCheckingInterval: 1_000 };

const pool = new ConnectionPool("better-sqlite3", ":memory:", {
  name: "echo",
  openfun: async (connection) => {
    const cursor = connection.cursor();
    await cursor.execute("create table messages (text text, at integer)");
    await cursor.execute(`create trigger old_ones after insert on messages
      begin delete from messages where rowid <= new.rowid - ${KEPT}; end`);
  },
});

/** Says everything back, numbered by the database. */
class EchoService extends Service {
  readonly #http = createServer(LIMITS, (_, response) => response.writeHead(426).end("Only WebSockets.\n"));
  readonly #server = new WebSocketServer({
    server: this.#http,
    maxPayload: MOST_BYTES,
    verifyClient: isOurs,
  });
  #heartbeat: NodeJS.Timeout | undefined;

  override async startService() {
    super.startService();
    this.#http.maxConnections = 2 * MOST_GUESTS;
    this.#server.on("connection", (socket) => this.#welcome(socket));
    await once(this.#http.listen(Number(echoPort), "127.0.0.1"), "listening");
    this.#heartbeat = setInterval(() => this.#ping(), HEARTBEAT_MILLIS);
    console.log(`echo: ws://localhost:${echoPort}/`);
  }

  #welcome(socket: WebSocket) {
    socket.on("error", (error) => console.error(`echo: ${error.message}`));
    if (this.#server.clients.size > MOST_GUESTS) return socket.close(1013, "too many guests");
    this.#alive.add(socket);
    socket.on("pong", () => this.#alive.add(socket));
    let unanswered = 0;
    socket.on("message", (data) => {
      unanswered += 1;
      // Who asks faster than the database answers is read no faster than that.
      if (unanswered >= MOST_UNANSWERED) socket.pause();
      echo(String(data))
        .then(
          (answer) => {
            // Who never reads is not written to for ever.
            if (socket.bufferedAmount <= MOST_UNREAD_BYTES) return socket.send(answer);
            if (socket.readyState === WebSocket.OPEN)
              console.error("echo: a guest that does not read was thrown out");
            socket.terminate();
          },
          (error) => {
            // What failed is for us to know: the guest is told that it did, in words that fit a close frame.
            console.error(`echo: ${error}`);
            socket.close(1011, "the message was not kept");
          },
        )
        .finally(() => {
          unanswered -= 1;
          socket.resume();
        });
    });
  }

  /** Who answered the last one, or has just come. */
  readonly #alive = new WeakSet<WebSocket>();

  #ping() {
    for (const socket of this.#server.clients) {
      if (!this.#alive.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }

  /** Says goodbye to everybody, with the code for a server that goes away, and waits a second for their answers. */
  override async stopService() {
    super.stopService();
    clearInterval(this.#heartbeat);
    const server = this.#server;
    const closed = once(this.#http, "close");
    for (const socket of server.clients) socket.close(1001, "the server stops");
    server.close();
    this.#http.close();
    const impatient = setTimeout(() => {
      for (const socket of server.clients) socket.terminate();
      this.#http.closeAllConnections();
    }, 1_000);
    await closed;
    clearTimeout(impatient);
    console.log("echo: stopped");
  }
}

/**
 * Programs send no Origin; a browser names the page that asks, and only pages of this machine, by its own names, are
 * ours.
 */
function isOurs({ origin, req }: { origin: string | undefined; req: IncomingMessage }): boolean {
  const names = ["localhost", "127.0.0.1", "[::1]"];
  const nameOf = (url: string) => (/^https?:/.test(url) && URL.canParse(url) ? new URL(url).hostname : "");
  return names.includes(nameOf(`http://${req.headers.host}`)) && (!origin || names.includes(nameOf(origin)));
}

async function echo(text: string): Promise<string> {
  const { lastInsertId } = await pool.runOperation("insert into messages values (?, ?)", [text, Date.now()]);
  return `${lastInsertId}: ${text}`;
}

/** Talks to the server as a browser would, so that there is something to watch. */
class ChatterService extends Service {
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;

  override async startService() {
    super.startService();
    this.#socket = new WebSocket(`ws://127.0.0.1:${echoPort}/`);
    await once(this.#socket, "open");
    this.#socket.once("message", (data) => console.log(`it said ${data}`));
    this.#timer = setInterval(() => {
      const words = Math.round(30 + 25 * Math.sin(Date.now() / 5_000));
      for (let word = 0; word < words; word += 1) this.#socket?.send(`Hello, ${word}`);
    }, 50);
  }

  override stopService() {
    super.stopService();
    clearInterval(this.#timer);
    this.#socket?.terminate();
  }
}

const page = monitor(pool, { port: Number(monitorPort) });

const application = new MultiService("echo and monitor");
application.addService(poolService(pool));
application.addService(page);
application.addService(new EchoService());
application.addService(new ChatterService());

application.addService(
  Object.assign(new Service("herald"), { startService: () => console.log(`monitor: ${page.url}`) }),
);

runService(application);
