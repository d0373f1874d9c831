/** One driver with all that belongs to it: a server of its own behind a forwarder, a database, a pool, a ledger. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionPool, type Driver } from "adbapi";
import { eventually } from "../support/eventually.js";
import { Forwarder } from "../support/forwarder.js";
import { mortalDriver } from "../support/mortal-sqlite.js";
import { type OwnServer, ownServer } from "../support/servers.js";
import type { Target, TestDatabase } from "../support/target.js";
import { Figures } from "./figures.js";
import { Ledger } from "./ledger.js";

export const MAX = 6;
export const ACCOUNTS = 20;
export const NUMBERS = 2_000;
const OPENING_BALANCE = 1_000;
/** Longest that a fault may go on to have effects, once it is over. */
const RECOVERY_MILLIS = 20_000;

export class Place implements AsyncDisposable {
  readonly target: Target;
  readonly figures = new Figures();
  readonly ledger = new Ledger(this.figures);
  readonly pool: ConnectionPool;
  readonly database: TestDatabase;
  /** Undefined where the database is a file. */
  readonly server: OwnServer | undefined;
  readonly forwarder: Forwarder | undefined;
  readonly #balances = new Array<number>(ACCOUNTS).fill(OPENING_BALANCE);

  private constructor(
    target: Target,
    pool: ConnectionPool,
    database: TestDatabase,
    server: OwnServer | undefined,
    forwarder: Forwarder | undefined,
  ) {
    this.target = target;
    this.pool = pool;
    this.database = database;
    this.server = server;
    this.forwarder = forwarder;
  }

  static async open(target: Target): Promise<Place> {
    const server = target.server === undefined ? undefined : await ownServer(target.server);
    const database = await target.createDatabase({ serverUrl: server?.url });
    const forwarder = server === undefined ? undefined : await Forwarder.before(server.url);
    const args = forwarder?.through(database.connectArgs) ?? database.connectArgs;
    const pool = new ConnectionPool(driverOf(target), args, {
      min: 1,
      max: MAX,
      acquireTimeoutMillis: 4_000,
      idleTimeoutMillis: 2_000,
      maxLifetimeMillis: 10_000,
      name: `soak ${target.name}`,
      logger: SILENT,
    });
    const place = new Place(target, pool, database, server, forwarder);
    await place.#furnish();
    return place;
  }

  get name(): string {
    return this.target.name;
  }

  sql(text: string): string {
    return this.target.sql(text);
  }

  /** Waits until nothing is under way, in the pool or at the server; what does not come to rest is a violation. */
  async rest(): Promise<void> {
    await this.#expect("waiting", () => this.pool.stats.waiting, 0);
    await this.#expect("in use", () => this.pool.stats.inUse, 0);
    await this.#expect("left at the server", () => this.strays(), 0);
  }

  /** Sessions that the pool knows nothing of: their client is gone, and the server has not noticed yet. */
  async strays(): Promise<number> {
    const { size, connecting } = this.pool.stats;
    return Math.max(0, (await this.database.countSessions()) - size - connecting);
  }

  /** All must be quiet. */
  async audit(): Promise<void> {
    const grouped = await this.database.observe(
      "select work, part, count(*) as times from entries group by work, part",
    );
    this.ledger.check(
      grouped.map(({ work, part, times }) => ({
        work: Number(work),
        part: Number(part),
        times: Number(times),
      })),
    );
    const moved = await this.database.observe("select source, sink, amount from entries where amount > 0");
    for (const { source, sink, amount } of moved) {
      this.#balances[Number(source)]! -= Number(amount);
      this.#balances[Number(sink)]! += Number(amount);
    }
    const accounts = await this.database.observe("select id, balance from accounts");
    for (const { id, balance } of accounts) {
      if (Number(balance) === this.#balances[Number(id)]) continue;
      this.figures.violated(
        `account ${id} has ${balance}, and its entries say ${this.#balances[Number(id)]}`,
      );
    }
    const sum = accounts.reduce((total, { balance }) => total + Number(balance), 0);
    if (sum !== ACCOUNTS * OPENING_BALANCE) this.figures.violated(`the accounts hold ${sum} together`);
    await this.#emptied();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close({ timeoutMillis: 10_000 });
    const { size, connecting, inUse, waiting, retries } = this.pool.stats;
    this.figures.count("retries", retries);
    if (size + connecting + inUse + waiting > 0) this.figures.violated("a closed pool is not empty");
    await this.#expect("sessions of a closed pool", () => this.database.countSessions(), 0);
    await this.forwarder?.close();
    await this.database[Symbol.asyncDispose]();
    await this.server?.close();
  }

  async #furnish(): Promise<void> {
    // What is acknowledged must survive a SIGKILL; the settings of the test servers have it otherwise on PostgreSQL.
    if (this.target.server === "postgres") {
      const name = new URL(this.database.connectArgs).pathname.slice(1);
      await this.database.observe(`alter database ${name} set synchronous_commit = on`);
    }
    const { pool } = this;
    await pool.runOperation(
      "create table entries (work integer not null, part integer not null, source integer, sink integer, amount integer)",
    );
    await pool.runOperation("create table accounts (id integer primary key, balance integer not null)");
    await pool.runOperation("create table numbers (id integer primary key, square integer not null)");
    await pool.runInteraction(async (transaction) => {
      const accounts = this.#balances.map((balance, id) => [id, balance]);
      await transaction.executeMany(this.sql("insert into accounts values (?, ?)"), accounts);
      const numbers = Array.from({ length: NUMBERS }, (_, id) => [id, id * id]);
      await transaction.executeMany(this.sql("insert into numbers values (?, ?)"), numbers);
    });
  }

  /** The pool must work again by itself; the first tries may meet what died meanwhile. */
  async #emptied(): Promise<void> {
    const deadline = performance.now() + RECOVERY_MILLIS;
    for (;;) {
      try {
        await this.pool.runOperation("delete from entries");
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(50);
      }
    }
  }

  async #expect(what: string, ask: () => number | Promise<number>, expected: number): Promise<void> {
    await eventually(what, ask, expected, RECOVERY_MILLIS).catch((error: Error) =>
      this.figures.violated(`at rest: ${error.message}`),
    );
  }
}

function driverOf(target: Target): string | Driver {
  if (target.server !== undefined) return target.name;
  return mortalDriver(target);
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
