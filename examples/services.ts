/**
 * One application: a pool and two HTTP services that query it, started and stopped together.
 *
 * On SIGINT and SIGTERM the requests in flight are answered before the pool closes.
 *
 *     npm run example services                  ports 8082 and 8083
 *     npm run example services -- 9082 9083
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { Server as TcpServer } from "node:net";
import { setImmediate as pollPhase, setTimeout as wait } from "node:timers/promises";
import { ConnectionPool } from "adbapi";
import { MultiService, poolService, runService, Service } from "adbapi/service";

const [visitsPort = "8082", reportPort = "8083"] = process.argv.slice(2);

const pool = new ConnectionPool("better-sqlite3", ":memory:", {
  openfun: (connection) =>
    connection.cursor().execute("create table visits (name text primary key, times integer)"),
});

/** GET /ada notes a visit of Ada. */
async function visit(path: string) {
  const name = decodeURIComponent(path.slice(1)) || "somebody";
  const [row] = await pool.runQuery<{ times: number }>(
    "insert into visits values (?, 1) on conflict do update set times = times + 1 returning times",
    [name],
  );
  return `Welcome, ${name}: visit number ${row?.times}.\n`;
}

/** GET / tells who was here. */
async function report() {
  const rows = await pool.runQuery<{ name: string; times: number }>(
    "select * from visits order by times desc limit 10",
  );
  return rows.map(({ name, times }) => `${times} ${name}\n`).join("") || "Nobody was here yet.\n";
}

/** For those few requests that are on their way in the moment of stopping. */
const LINGER_MILLIS = 250;

/** Browsers open connections ahead, and say nothing on them: nobody waits longer for these, nor for half a request. */
const LIMITS = { headersTimeout: 2_000, requestTimeout: 5_000, connectionsCheckingInterval: 500 };

class WebService extends Service {
  readonly #port: number;
  readonly #server;
  #quiet = true;

  constructor(name: string, port: number, answer: (path: string) => Promise<string>) {
    super(name);
    this.#port = port;
    this.#server = createServer(LIMITS, (request, response) => {
      const reply = (status: number, text: string) => {
        this.#quiet = false;
        // The last answer on this connection, when the service is stopping.
        if (!this.running) response.setHeader("Connection", "close");
        response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(text);
      };
      answer(request.url ?? "/").then(
        (text) => reply(200, text),
        (error) => reply(500, `${error.message}\n`),
      );
    });
    this.#server.on("connection", () => {
      this.#quiet = false;
    });
  }

  override async startService() {
    super.startService();
    await once(this.#server.listen(this.#port), "listening");
    console.log(`${this.name}: http://localhost:${this.#port}/`);
  }

  /** Fires once every request has its answer. */
  override async stopService() {
    const closed = once(this.#server, "close");
    await this.#quietTurn();
    super.stopService();
    // http.Server's own close would at once cut the connections between two requests, and a request just sent on one.
    TcpServer.prototype.close.call(this.#server);
    await wait(LINGER_MILLIS);
    this.#server.closeIdleConnections();
    await closed;
    console.log(`${this.name}: stopped`);
  }

  /** Connections that the kernel has taken for us are ours to answer: fires after a turn in which nobody came or left. */
  async #quietTurn() {
    for (let turn = 0; turn < 200; turn += 1) {
      this.#quiet = turn > 0; // The turn that we are in has looked for them already.
      await pollPhase();
      if (this.#quiet) return;
    }
  }
}

const application = new MultiService("guest book");
application.addService(poolService(pool));
application.addService(new WebService("visits", Number(visitsPort), visit));
application.addService(new WebService("report", Number(reportPort), report));

runService(application);
