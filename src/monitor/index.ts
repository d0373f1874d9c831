import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { InterfaceError } from "../errors.js";
import { Service } from "../service.js";
import { answer, isTrusted, loadAssets } from "./http.js";
import { Pages } from "./pages.js";
import { Watch, type WatchedPool } from "./watch.js";

export type { RecentError, Report, SlowStatement } from "./report.js";
export type { WatchedPool } from "./watch.js";

export interface MonitorOptions {
  /** Default 0: any free port, told by `url`. */
  readonly port?: number;
  /** Default `"127.0.0.1"`. The page asks for no password: whoever reaches another address sees the SQL of every statement. */
  readonly host?: string;
}

/**
 * A service that shows the pool on a web page at its `url`, as it happens: connections by state, those waiting,
 * statements per second, percentiles of latency, the slowest statements and the last errors. Needs the packages `ws` and `uplot`.
 *
 * SQL is shown without params, and error messages without the values they quote. While no page is open nothing is
 * subscribed and no timer runs; a page gets one message a second. It never keeps the process alive. Each pool has a
 * monitor of its own.
 */
export function monitor(pool: WatchedPool, options: MonitorOptions = {}): Monitor {
  return new Monitor(pool, options);
}

export class Monitor extends Service {
  readonly #watch: Watch;
  readonly #host: string;
  readonly #port: number;
  #open: Open | undefined;

  /** @internal Made by `monitor`. */
  constructor(pool: WatchedPool, { port = 0, host = "127.0.0.1" }: MonitorOptions) {
    super(`monitor of ${pool.name}`);
    this.#watch = new Watch(pool);
    this.#host = host;
    this.#port = port;
  }

  /** Where the page is. Throws `InterfaceError` while the monitor is not running. */
  get url(): string {
    if (this.#open === undefined)
      throw new InterfaceError("The monitor has a url once startService has fired");
    const { address, family, port } = this.#open.server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/`;
  }

  /**
   * Fires once the page is served. Fails with `InterfaceError` without the packages `ws` and `uplot` and when it runs already, else
   * as listening does.
   */
  override async startService(): Promise<void> {
    if (this.running) throw new InterfaceError(`The ${this.name} runs already`);
    super.startService();
    try {
      this.#open = await this.#listen();
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
    pages.close();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }

  async #listen(): Promise<Open> {
    const [{ WebSocketServer }, assets] = await Promise.all([import("ws"), loadAssets()]).catch(missing);
    const pages = new Pages(new WebSocketServer({ noServer: true, maxPayload: 1_024 }), this.#watch);
    const server = createServer((request, response) => answer(assets, request, response));
    server.on("connection", (socket) => socket.unref());
    server.on("upgrade", (request, socket, head) => {
      if (isTrusted(request)) return pages.add(request, socket, head);
      socket.on("error", () => socket.destroy());
      // It is no longer the server's: unless it is destroyed here, who keeps it open keeps the server from closing.
      const refusal = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      return socket.end(refusal, () => socket.destroy());
    });
    server.listen(this.#port, this.#host).unref();
    await once(server, "listening");
    server.on("error", () => undefined); // A connection that the system cannot give us is no reason to end the process.
    return { server, pages };
  }
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
