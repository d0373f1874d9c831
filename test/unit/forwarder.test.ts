import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Forwarder } from "../support/forwarder.js";

let server: Server;
let accepted: Socket[];
let forwarder: Forwarder;

beforeEach(async () => {
  accepted = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket.on("error", () => {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  forwarder = await Forwarder.before(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(async () => {
  await forwarder.close();
  for (const socket of accepted) socket.destroy();
  await new Promise((done) => server.close(done));
});

test("changes host and port of a URL, and nothing else", () => {
  const url = forwarder.through("postgres://me:pass%40word@db.example:5432/app?ssl=no");
  expect(url).toBe(`postgres://me:pass%40word@127.0.0.1:${forwarder.address.port}/app?ssl=no`);
});

test("cut resets every connection, and new ones pass", async () => {
  const [first, second] = [await open(), await open()];
  const errors = Promise.all([failure(first), failure(second)]);
  await forwarder.cut();
  expect(await errors).toEqual(["ECONNRESET", "ECONNRESET"]);
  expect(forwarder.connections).toBe(0);
  expect(await echo(await open(), "again")).toBe("again");
});

test("stall holds what is sent, and the end, until resume", async () => {
  const client = await open();
  forwarder.stall();
  client.end("held");
  const received = bytesUntil("end", accepted[0]!);
  const first = await Promise.race([received, new Promise((done) => setTimeout(done, 50, "nothing"))]);
  expect(first).toBe("nothing");
  forwarder.resume();
  expect(await received).toBe("held");
});

test("stall holds new connections too: they open, and stay silent", async () => {
  forwarder.stall();
  const client = await open();
  const answer = echo(client, "hello");
  expect(await Promise.race([answer, new Promise((done) => setTimeout(done, 50, "nothing"))])).toBe(
    "nothing",
  );
  forwarder.resume();
  expect(await answer).toBe("hello");
});

test("delay holds each direction for its time, in order", async () => {
  const client = await open();
  forwarder.delay(40);
  const start = performance.now();
  expect(await echo(client, "slow")).toBe("slow");
  expect(performance.now() - start).toBeGreaterThan(75);
});

test("refuse refuses new connections, keeps the open ones, and accept listens at the same port", async () => {
  const client = await open();
  const { port } = forwarder.address;
  forwarder.refuse();
  expect(await failure(connect(port, "127.0.0.1"))).toBe("ECONNREFUSED");
  expect(await echo(client, "still here")).toBe("still here");
  await forwarder.accept();
  expect(forwarder.address.port).toBe(port);
  expect(await echo(await open(), "back")).toBe("back");
});

test("cutBefore: the server never gets the text, also when it comes in two pieces", async () => {
  const client = await open();
  const received = bytesUntil("close", accepted[0]!);
  const cut = forwarder.cutBefore("COMMIT");
  const error = failure(client);
  client.write("insert; com");
  await once(accepted[0]!, "data");
  client.write("mit;");
  await cut;
  expect(await error).toBe("ECONNRESET");
  expect(await received).toBe("insert; com");
});

test("cutAfter: the server gets the text and an orderly end, the client a reset and no answer", async () => {
  const client = await open();
  const [serverSide] = accepted;
  const received = bytesUntil("end", serverSide!);
  let answered = false;
  client.on("data", () => {
    answered = true;
  });
  const error = failure(client);
  const cut = forwarder.cutAfter("commit");
  client.write("COMMIT;");
  await cut;
  expect(await error).toBe("ECONNRESET");
  expect(await received).toBe("COMMIT;");
  serverSide!.end("done");
  await once(serverSide!, "close");
  expect(answered).toBe(false);
});

test("a trap is for one connection: the next passes", async () => {
  const client = await open();
  const error = failure(client);
  const cut = forwarder.cutBefore("commit");
  client.write("commit");
  await Promise.all([cut, error]);
  expect(await echo(await open(), "commit")).toBe("commit");
});

test("cutAfterBytes cuts once so many have passed in its direction", async () => {
  const client = await open();
  accepted[0]!.on("data", () => {});
  const error = failure(client);
  const cut = forwarder.cutAfterBytes(100_000, "to client");
  accepted[0]!.write(Buffer.alloc(200_000));
  let received = 0;
  client.on("data", (piece) => {
    received += piece.length;
  });
  await cut;
  expect(await error).toBe("ECONNRESET");
  expect(received).toBeLessThan(200_000);
});

test("with no fault set, bytes come through unchanged", async () => {
  const client = await open();
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7) % 251));
  const received = buffer(accepted[0]!);
  client.end(sent);
  expect((await received).equals(sent)).toBe(true);
});

async function open(): Promise<Socket> {
  const before = accepted.length;
  const { host, port } = forwarder.address;
  const client = connect({ host, port, allowHalfOpen: true });
  client.on("error", () => {});
  await once(client, "connect");
  while (accepted.length === before) await once(server, "connection");
  return client;
}

/** The server sends back what it gets. */
async function echo(client: Socket, message: string): Promise<string> {
  const serverSide = accepted.at(accepted.length - 1)!;
  serverSide.once("data", (piece) => serverSide.write(piece));
  client.write(message);
  const [answer] = await once(client, "data");
  return String(answer);
}

async function failure(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) =>
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code)),
  );
}

/** All that arrives before an orderly end, or a close of any kind. Leaves the socket open for the answer. */
function bytesUntil(event: "end" | "close", socket: Socket): Promise<string> {
  let seen = "";
  socket.on("data", (piece) => {
    seen += piece;
  });
  return new Promise((resolve) => socket.once(event, () => resolve(seen)));
}
