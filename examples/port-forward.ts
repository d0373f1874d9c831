/** Forwards TCP connections: `npm run example port-forward -- 0.0.0.0:8080 127.0.0.1:8080` */
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { type AddressInfo, createServer, Socket } from "node:net";
import { fileURLToPath } from "node:url";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Listens at one address, and connects each client to another. */
export class PortForwarder {
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  readonly #links = new Set<Link>();
  /** Where the connections to the target come from. */
  readonly #places = new Set<string>();
  readonly #target: Address;
  readonly #log: (line: string) => void;

  constructor(target: Address, log: (line: string) => void = () => {}) {
    this.#target = target;
    this.#log = log;
    // While it listens, that is a connection which the system could not give us: the others go on.
    this.#server.on("error", ({ message }) => this.#server.listening && log(`listening: ${message}`));
  }

  /** Fires with the address, its port chosen by the system where 0 was asked for. */
  async listen(address: Address): Promise<Address> {
    this.#server.maxConnections = MOST_LINKS;
    this.#server.listen(address.port, address.host);
    await once(this.#server, "listening");
    return this.address;
  }

  get address(): Address {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** The connections that are open now. */
  get links(): ReadonlySet<Link> {
    return this.#links;
  }

  /** Ends the listening only: those who are connected stay so. */
  stopListening(): void {
    this.#server.close();
  }

  /** Ends it all; fires once nothing is open. */
  async close(): Promise<void> {
    this.stopListening();
    await Promise.all([...this.#links].map((link) => link.destroy()));
  }

  /** One direction of a connection. `pipe` brings back-pressure, and the end of one side to the other (half-close). */
  protected pipe(source: Socket, sink: Socket, _link: Link): void {
    source.pipe(sink);
  }

  #accept(client: Socket): void {
    const server = new Socket({ allowHalfOpen: true }).setNoDelay(true);
    const link = new Link(client, server);
    this.#links.add(link);
    this.#watch(client, server, "client");
    this.#watch(server, client, "target");
    link.closed.then(() => this.#links.delete(link));
    this.pipe(client, server, link);
    this.pipe(server, client, link);
    server.once("connect", () => {
      const ours = place(server.localAddress, server.localPort);
      this.#places.add(ours);
      server.once("close", () => this.#places.delete(ours));
    });
    // A connection of our own that comes back to us is known as such by the end of this turn.
    setImmediate(() => {
      if (server.destroyed) return;
      if (!this.#places.has(place(client.remoteAddress, client.remotePort)))
        return server.connect(this.#target);
      this.#log("client: the target leads back to this forwarder");
      return link.destroy();
    });
  }

  /** A side that broke breaks the other: a reset must not look like an orderly end. */
  #watch(side: Socket, other: Socket, name: string): void {
    side.on("error", (error) => this.#log(`${name}: ${error.message}`));
    side.once("close", (hadError) => hadError && reset(other));
  }
}

/** So many at a time: more are closed at once. What a side does not read is not read from the other. */
const MOST_LINKS = 1_000;

/** A client and the connection made for it. */
export class Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Fires once both sides are closed. */
  readonly closed: Promise<unknown>;

  constructor(client: Socket, server: Socket) {
    this.client = client;
    this.server = server;
    this.closed = Promise.all(
      [client, server].map((side) => new Promise((done) => side.once("close", done))),
    );
  }

  /** Breaks both sides: the peers see a reset. Fires once both are closed. */
  destroy(): Promise<unknown> {
    reset(this.client);
    reset(this.server);
    return this.closed;
  }
}

/** Also where a socket for IPv6 has a client by IPv4. */
function place(address: string | undefined, port: number | undefined): string {
  return `${address?.replace(/^::ffff:/, "")} ${port}`;
}

/** A socket that is not connected yet has nobody to send a reset to, and would wait for one. */
function reset(socket: Socket): void {
  if (socket.pending) socket.destroy();
  else socket.resetAndDestroy();
}

/** Starts a forwarder: `forward("0.0.0.0:8080", "127.0.0.1:8080")`. */
export async function forward(
  listen: string,
  target: string,
  log?: (line: string) => void,
): Promise<PortForwarder> {
  const forwarder = new PortForwarder(parseAddress(target), log);
  await forwarder.listen(parseAddress(listen));
  return forwarder;
}

/** Reads `host:port`, `[ipv6]:port` or `:port` (every interface). */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new TypeError(`Not an address: ${text} (expected host:port)`);
  return { host: match[1] ?? (match[2] === "" ? "0.0.0.0" : match[2]!), port };
}

async function main(args: readonly string[]): Promise<void> {
  const [listen, target] = args;
  if (listen === undefined || target === undefined || args.length > 2) {
    throw new TypeError("Usage: npm run example port-forward -- LISTEN:PORT TARGET:PORT");
  }
  const forwarder = await forward(listen, target, console.error);
  const { host, port } = forwarder.address;
  console.log(`forwarding ${host}:${port} to ${target}`);
  const stop = () => forwarder.close();
  process.once("SIGINT", stop).once("SIGTERM", stop);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 2;
  });
}
