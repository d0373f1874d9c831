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

/** The names that are kept, the last of them: anybody can make up as many as they like. */
const MOST_NAMES = 10_000;

const pool = new ConnectionPool("better-sqlite3", ":memory:", {
  openfun: async (connection) => {
    const cursor = connection.cursor();
    await cursor.execute("create table visits (name text primary key, times integer)");
    await cursor.execute(`create trigger old_ones after insert on visits
      begin delete from visits where rowid <= new.rowid - ${MOST_NAMES}; end`);
  },
});

/** What a client has done wrong, with words that are meant for it. */
class BadRequest extends Error {}

/** GET /ada notes a visit of Ada. */
async function visit(path: string) {
  const name = decoded(path.slice(1)) || "somebody";
  // A line end would write lines of its own into the report.
  if (/\p{Cc}/u.test(name)) throw new BadRequest("a name has no control characters");
  if (name.length > MOST_LETTERS) throw new BadRequest(`a name has at most ${MOST_LETTERS} letters`);
  const [row] = await pool.runQuery<{ times: number }>(
    "insert into visits values (?, 1) on conflict do update set times = times + 1 returning times",
    [name],
  );
  return `Welcome, ${name}: visit number ${row?.times}.\n`;
}

const MOST_LETTERS = 100;

function decoded(text: string) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BadRequest("the path is not well encoded");
  }
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
const MOST_CONNECTIONS = 1_000;

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
      request.resume(); // A body is nobody's: it is read, as far as its time goes, and forgotten.
      if (request.method !== "GET") return reply(405, "Only GET.\n");
      answer(request.url ?? "/").then(
        (text) => reply(200, text),
        (error) => {
          if (error instanceof BadRequest) return reply(400, `${error.message}\n`);
          console.error(error); // For us to read: it may name what is no client's affair.
          reply(500, "Something went wrong.\n");
        },
      );
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.on("connection", () => {
      this.#quiet = false;
    });
  }

  override async startService() {
    super.startService();
    await once(this.#server.listen(this.#port, "127.0.0.1"), "listening");
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

  /**
   * Connections that the kernel has taken for us are ours to answer: fires after a turn in which nobody came or left.
   */
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
