/**
 * An echo server over WebSockets that keeps what it hears, and a page to watch its pool at work.
 *
 *     npm run example websocket                 ports 8084 and 8085
 *     npm run example websocket -- 9084 9085
 */
import { once } from "node:events";
import { ConnectionPool } from "adbapi";
import { monitor } from "adbapi/monitor";
import { MultiService, poolService, runService, Service } from "adbapi/service";
import { WebSocket, WebSocketServer } from "ws";

const [echoPort = "8084", monitorPort = "8085"] = process.argv.slice(2);

const pool = new ConnectionPool("better-sqlite3", ":memory:", {
  name: "echo",
  openfun: (connection) => connection.cursor().execute("create table messages (text text, at integer)"),
});

/** Says everything back, numbered by the database. */
class EchoService extends Service {
  #server: WebSocketServer | undefined;

  override async startService() {
    super.startService();
    this.#server = new WebSocketServer({ port: Number(echoPort), host: "127.0.0.1", maxPayload: 65_536 });
    this.#server.on("connection", (socket) => {
      socket.on("error", (error) => console.error(`echo: ${error.message}`));
      socket.on("message", (data) => {
        echo(String(data)).then(
          (answer) => socket.send(answer),
          (error) => socket.close(1011, error.message),
        );
      });
    });
    await once(this.#server, "listening");
    console.log(`echo: ws://localhost:${echoPort}/`);
  }

  /** Says goodbye to everybody, with the code for a server that goes away, and waits a second for their answers. */
  override async stopService() {
    super.stopService();
    const server = this.#server!;
    const closed = once(server, "close");
    for (const socket of server.clients) socket.close(1001, "the server stops");
    server.close();
    const impatient = setTimeout(() => {
      for (const socket of server.clients) socket.terminate();
    }, 1_000);
    await closed;
    clearTimeout(impatient);
    console.log("echo: stopped");
  }
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
