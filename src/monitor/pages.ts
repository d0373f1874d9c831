import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocketServer } from "ws";
import type { Watch } from "./watch.js";

const INTERVAL_MILLIS = 1_000;

/** The same is told to each: more than these are no team that looks at a pool. */
const MOST_PAGES = 64;

/** A page that leaves this many bytes unread is gone or stuck; one that lives comes back by itself. */
const MAX_UNREAD_BYTES = 1_000_000;

/** The open pages. They are told from the first one's coming to the last one's going. */
export class Pages {
  readonly #server: WebSocketServer;
  readonly #watch: Watch;
  #timer: NodeJS.Timeout | undefined;

  constructor(server: WebSocketServer, watch: Watch) {
    this.#server = server;
    this.#watch = watch;
  }

  /** Whether no other page is taken. */
  get full(): boolean {
    return this.#server.clients.size >= MOST_PAGES;
  }

  /** Answers a page's request to upgrade to a WebSocket. */
  add(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (page) => {
      page.on("error", () => page.terminate());
      page.on("message", () => page.terminate()); // Our page never says anything.
      page.on("close", () => this.#left());
      if (this.#timer !== undefined) return;
      this.#watch.beginInterval();
      this.#timer = setInterval(() => this.#tell(), INTERVAL_MILLIS).unref();
    });
  }

  close(): void {
    for (const page of this.#server.clients) page.terminate();
    this.#server.close();
  }

  #tell(): void {
    const report = JSON.stringify(this.#watch.report());
    for (const page of this.#server.clients) {
      if (page.bufferedAmount > MAX_UNREAD_BYTES) page.terminate();
      else page.send(report);
    }
  }

  #left(): void {
    if (this.#server.clients.size > 0 || this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
