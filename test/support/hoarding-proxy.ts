/**
 * Stands before a PostgreSQL server as pgpool-II does: rows that came without a Sync are kept back until there is one,
 * or until they are all.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class HoardingProxy implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  static async before(url: string): Promise<HoardingProxy> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const shown = new URL(url);
    shown.hostname = "127.0.0.1";
    shown.port = String((server.address() as AddressInfo).port);
    const proxy = new HoardingProxy(shown.href, server);
    server.on("connection", (client) => {
      const backend = connect(Number(port || 5432), hostname);
      for (const socket of [client, backend]) {
        proxy.#sockets.add(socket);
        socket.on("error", () => {});
      }
      client.on("close", () => backend.destroy());
      backend.on("close", () => client.destroy());
      const kept: Buffer[] = [];
      let keeps = false;
      const release = () => {
        keeps = false;
        for (const message of kept.splice(0)) client.write(message);
      };
      let begun = false;
      const fromClient = messages((type) => type === 0x53 && release());
      client.on("data", (bytes) => {
        // The first message has no type.
        if (begun) fromClient(bytes);
        begun = true;
        backend.write(bytes);
      });
      backend.on(
        "data",
        messages((type, message) => {
          kept.push(message);
          const last = type === 0x43 || type === 0x45 || type === 0x5a;
          if (last || !keeps) release();
          // From the columns on.
          if (type === 0x54) keeps = true;
        }),
      );
    });
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** Calls with each message of the protocol that is whole. */
function messages(each: (type: number, message: Buffer) => void): (bytes: Buffer) => void {
  let left = Buffer.alloc(0);
  return (bytes) => {
    left = Buffer.concat([left, bytes]);
    while (left.length >= 5 && left.length > left.readInt32BE(1)) {
      const end = 1 + left.readInt32BE(1);
      each(left[0]!, left.subarray(0, end));
      left = left.subarray(end);
    }
  };
}
