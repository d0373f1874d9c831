/** `npm run example port-forward`, as a user runs it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { forward, PortForwarder, parseAddress } from "../../examples/port-forward.js";
import { own } from "../support/children.js";
import { freePort } from "../support/free-port.js";

describe("forward", () => {
  let server: Server;
  let target: string;
  let forwarder: PortForwarder;
  let onConnection: (socket: Socket) => void;
  const lines: string[] = [];
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket.on("error", () => {}));
      onConnection(socket);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    // Half-open ones would keep the server for ever.
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  beforeEach(async () => {
    lines.length = 0;
    forwarder = await forward("127.0.0.1:0", target, (line) => lines.push(line));
  });
  afterEach(() => forwarder.close());

  const open = () => connect({ ...forwarder.address, allowHalfOpen: true });

  test("many connections at once, each with its own bytes, both ways", async () => {
    onConnection = (socket) => socket.pipe(socket);
    const sums = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const sent = randomBytes(200_000);
        const client = open();
        client.end(sent);
        return sum(await buffer(client)) === sum(sent);
      }),
    );
    expect(sums).not.toContain(false);
  });

  test("half-close: a side that has ended its sending still gets the answer", async () => {
    onConnection = (socket) => {
      let request = "";
      socket.on("data", (piece) => {
        request += piece;
      });
      socket.once("end", () => socket.end(`you said ${request}`));
    };
    const client = open();
    client.end("hello");
    expect(await text(client)).toBe("you said hello");
  });

  test("back-pressure: a reader that stops stops the writer", async () => {
    let sent = 0;
    onConnection = (socket) => {
      const piece = Buffer.alloc(64 * 1024);
      const fill = () => {
        while (sent < 64 * 1024 * 1024) {
          sent += piece.length;
          if (!socket.write(piece)) return;
        }
        socket.end();
      };
      socket.on("drain", fill);
      fill();
    };
    const client = open();
    await once(client, "connect");
    client.pause();
    // The system's buffers fill, and then nothing moves: two looks at the counter agree.
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise((done) => setTimeout(done, 200));
    }
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    let received = 0;
    for await (const piece of client) received += piece.length;
    expect(received).toBe(64 * 1024 * 1024);
  });

  test("a target that resets gives the client a reset, and a line in the log", async () => {
    onConnection = (socket) => socket.once("data", () => socket.resetAndDestroy());
    const client = open();
    client.write("hello");
    await expect(once(client, "close")).rejects.toMatchObject({ code: "ECONNRESET" });
    await closed();
    expect(lines).toEqual([expect.stringContaining("target: read ECONNRESET")]);
  });

  test("a client that resets ends the connection to the target", async () => {
    const arrived = new Promise<Socket>((resolve) => {
      onConnection = (socket) => socket.once("data", () => resolve(socket));
    });
    const client = open();
    client.write("hello");
    const error = once(await arrived, "error");
    client.resetAndDestroy();
    expect(await error).toMatchObject([{ code: "ECONNRESET" }]);
    await closed();
  });

  test("a target that refuses: the client is closed, the next one is tried again", async () => {
    const unused = createServer().listen(0, "127.0.0.1");
    await once(unused, "listening");
    const { port } = unused.address() as AddressInfo;
    await new Promise((done) => unused.close(done));
    const refused = await forward("127.0.0.1:0", `127.0.0.1:${port}`, (line) => lines.push(line));
    for (const _ of [1, 2]) {
      const client = connect(refused.address);
      await expect(pipeline(client, async (data) => void (await text(data)))).rejects.toThrow();
    }
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain("ECONNREFUSED");
    await refused.close();
  });

  test.each(["0.0.0.0", "::"])("a target that is the forwarder itself, at %s: no circle", async (host) => {
    const port = await freePort();
    const round = new PortForwarder({ host: "127.0.0.1", port }, (line) => lines.push(line));
    await round.listen({ host, port });
    const client = connect(port, "127.0.0.1").on("error", () => {});
    await new Promise((done) => client.resume().once("close", done));
    await Promise.all([...round.links].map((link) => link.closed));
    expect(lines.filter((line) => line.includes("leads back to this forwarder"))).toHaveLength(1);
    expect(lines).toHaveLength(2); // The other: our own connection was reset, by us.
    await round.close();
  });

  test("close ends every connection", async () => {
    onConnection = (socket) => socket.resume();
    // Node.js sends an end ahead of the reset: who does not read may see only that.
    const clients = Array.from({ length: 5 }, () =>
      connect(forwarder.address)
        .on("error", () => {})
        .resume(),
    );
    while (forwarder.links.size < 5) await new Promise((done) => setTimeout(done, 5));
    await forwarder.close();
    await Promise.all(clients.map((client) => client.closed || once(client, "close")));
    expect(forwarder.links.size).toBe(0);
  });

  async function closed(): Promise<void> {
    await Promise.all([...forwarder.links].map((link) => link.closed));
  }
});

test.each([
  ["127.0.0.1:80", { host: "127.0.0.1", port: 80 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  [":8080", { host: "0.0.0.0", port: 8080 }],
  ["[::1]:8080", { host: "::1", port: 8080 }],
])("parseAddress(%j)", (written, address) => {
  expect(parseAddress(written)).toEqual(address);
});

test.each(["", "80", "host:", "host:x", "host:65536", "::1:80", "[::1]", "a b"])(
  "parseAddress(%j) is refused",
  (written) => {
    expect(() => parseAddress(written)).toThrow("expected host:port");
  },
);

describe("the command", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "forwards, and stops cleanly on %s with a connection open",
    async (signal) => {
      const server = createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(
        0,
        "127.0.0.1",
      );
      await once(server, "listening");
      const child = run("127.0.0.1:0", `127.0.0.1:${(server.address() as AddressInfo).port}`);
      const [line] = await once(createInterface(child.stdout!), "line");
      const client = connect(Number(/:(\d+) to/.exec(line)![1]), "127.0.0.1").on("error", () => {});
      client.write("ping");
      expect(String((await once(client, "data"))[0])).toBe("ping");
      child.kill(signal);
      expect(await once(child, "exit")).toEqual([0, null]);
      server.close();
    },
  );

  test("says how it is used", async () => {
    const child = run("127.0.0.1:0");
    const [errors, [status]] = await Promise.all([text(child.stderr!), once(child, "exit")]);
    expect(errors).toContain("Usage:");
    expect(status).toBe(2);
  });
});

function run(...args: string[]): ChildProcess {
  return own(
    spawn(process.execPath, ["--import", "tsx", "examples/run.ts", "port-forward", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
}

function sum(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
