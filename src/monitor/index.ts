/// <reference types="node" preserve="true" />
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { literalNames } from "../defer/inspect.js";
import { InterfaceError } from "../errors/classes.js";
import { checkOptions, type OptionCheck } from "../options/option-checks.js";
import { Service } from "../service/index.js";
import { Access, isHostNames, isToken, openable } from "./access.js";
import { answer, loadAssets } from "./http.js";
import { Pages } from "./pages.js";
import { snapshotText } from "./snapshot.js";
import { Watch, type WatchedPool } from "./watch.js";

export type { RecentError, Report, RunningStatement, SlowStatement, WatchedDatabase } from "./report.js";
export type { WatchedPool } from "./watch.js";

export interface MonitorOptions {
  /** Default 0: any free port, told by `url`. */
  readonly port?: number;
  /**
   * Default `"127.0.0.1"`. On an address that other machines reach, the page's url has a secret token, without which
   * nothing is answered; it travels in plain HTTP.
   */
  readonly host?: string;
  /**
   * Default: a new one at each start, and none on loopback. 16 to 256 letters, digits, `-` and `_`; kept where given,
   * it makes a url that lasts.
   */
  readonly token?: string;
  /**
   * Names by which browsers may ask for the page, beside `localhost` and addresses; default none. A foreign name may be
   * pointed at this machine.
   */
  readonly hostNames?: readonly string[];
}

/**
 * A service that shows the pool on a web page at its `url`, as it happens: connections by state, those waiting,
 * statements per second, percentiles of latency, the slowest statements and the last errors. Needs the packages `ws`
 * and `uplot`.
 *
 * SQL is shown without params, and error messages without the values they quote. While it runs it listens to the
 * pool, so that a page shows at once who holds the connections, and keeps a bounded part of that; no timer runs while
 * no page is open, and a page gets one message a second. It never keeps the process alive. Each pool has a
 * monitor of its own.
 */
export function monitor(pool: WatchedPool, options: MonitorOptions = {}): Monitor {
  return new Monitor(pool, options);
}

export class Monitor extends Service {
  readonly #watch: Watch;
  readonly #host: string;
  readonly #port: number;
  readonly #access: Access;
  #open: Open | undefined;

  /** @internal Made by `monitor`. */
  constructor(pool: WatchedPool, options: MonitorOptions) {
    super(`monitor of ${pool.name}`);
    checkOptions(options, CHECKS, "monitor option");
    const { port = 0, host = "127.0.0.1", token, hostNames = [] } = options;
    this.#watch = new Watch(pool);
    this.#host = host;
    this.#port = port;
    this.#access = new Access(hostNames, token);
  }

  /**
   * Where the page is, by an address that opens on this machine, with the token where there is one. Throws
   * `InterfaceError` while the monitor is not running.
   */
  get url(): string {
    if (this.#open === undefined)
      throw new InterfaceError("the monitor has a url once startService has fired");
    return openable(this.#open.server.address() as AddressInfo) + this.#access.path;
  }

  /**
   * Fires once the page is served. Fails with `InterfaceError` without the packages `ws` and `uplot` and when it runs
   * already, else as listening does.
   */
  override async startService(): Promise<void> {
    if (this.running) throw new InterfaceError(`the ${this.name} runs already`);
    super.startService();
    try {
      this.#open = await this.#listen();
      this.#watch.start();
    } catch (error) {
      super.stopService();
      throw error;
    }
  }

  override async stopService(): Promise<void> {
    super.stopService();
    if (this.#open === undefined) return;
    const { server, pages } = this.#open;
    this.#open = undefined;
    this.#watch.stop();
    pages.close();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }

  async #listen(): Promise<Open> {
    const [{ WebSocketServer }, assets] = await Promise.all([import("ws"), loadAssets()]).catch(missing);
    const pages = new Pages(new WebSocketServer({ noServer: true, maxPayload: 1_024 }), this.#watch);
    const access = this.#access;
    const server = createServer(LIMITS, (request, response) =>
      answer(access, assets, () => snapshotText(this.#watch.now()), request, response),
    );
    server.maxConnections = MOST_CONNECTIONS;
    server.on("connection", (socket) => socket.unref());
    server.on("upgrade", (request, socket, head) => {
      if (!access.isTrusted(request) || access.assetOf(request) !== "")
        return turnAway(socket, "403 Forbidden");
      if (pages.full) return turnAway(socket, "503 Service Unavailable");
      return pages.add(request, socket, head);
    });
    server.listen(this.#port, this.#host).unref();
    await once(server, "listening");
    access.begin(server.address() as AddressInfo);
    server.on("error", () => undefined); // A connection that the system cannot give us is no reason to end the process.
    return { server, pages };
  }
}

literalNames({ Monitor });

/** An empty host, or one that is no text, would be every address of this machine. */
const CHECKS: Readonly<Record<keyof MonitorOptions, OptionCheck>> = {
  port: (value) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536
      ? undefined
      : "a port, 0 for any that is free",
  host: (value) => (typeof value === "string" && value !== "" ? undefined : "a name or an address"),
  token: isToken,
  hostNames: isHostNames,
};

/** A client that sends nothing, or half a request, is sent away. */
const LIMITS = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

/** Pages, and what browsers open ahead; any more are closed at once. */
const MOST_CONNECTIONS = 256;

/**
 * The socket is no longer the server's: unless it is destroyed here, a client that keeps it open keeps the server
 * from closing.
 */
function turnAway(socket: Duplex, status: string): void {
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

interface Open {
  readonly server: Server;
  readonly pages: Pages;
}

function missing(cause: NodeJS.ErrnoException): never {
  if (cause.code !== "ERR_MODULE_NOT_FOUND" && cause.code !== "MODULE_NOT_FOUND") throw cause;
  throw new InterfaceError('The monitor needs the packages "ws" and "uplot": npm install ws uplot', {
    cause,
  });
}
