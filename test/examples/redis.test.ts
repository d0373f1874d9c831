import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { freePort } from "../support/free-port.js";
import { serverUrl } from "../support/servers.js";

test("hashes come back, and a hundred readers cause one query", async () => {
  const url = serverUrl("redis")!;
  await using program = ChildProgram.example("redis", [], { REDIS_URL: url });
  const { status, output } = await program.ended();
  expect(output).toBe(
    "password of abc: 123\n100 simultaneous readers, 1 query: 567131 people in Lisbon\nThere is no city of Atlantis\n",
  );
  expect(status).toBe(0);
  const redis = new Redis(url, { keyPrefix: "adbapi-example:" });
  expect(await redis.hget("user:abc", "password")).toBe("123");
  expect(await redis.get("population:Lisbon")).toBe("567131");
  expect(await redis.ttl("population:Lisbon")).toBeGreaterThan(0);
  redis.disconnect();
});

test("says so where there is no Redis, without the URL's password", async () => {
  const port = await freePort();
  await using program = ChildProgram.example("redis", [], {
    REDIS_URL: `redis://me:secret@127.0.0.1:${port}`,
  });
  const { status, output } = await program.ended();
  expect(output).toBe(
    `No Redis at 127.0.0.1:${port} (connect ECONNREFUSED 127.0.0.1:${port}): start one, or set REDIS_URL\n`,
  );
  expect(status).toBe(1);
});

test("gives up on a Redis that says nothing", async () => {
  const silent = createServer((socket) => socket.on("error", () => undefined).resume()).listen(
    0,
    "127.0.0.1",
  );
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  await using program = ChildProgram.example("redis", [], { REDIS_URL: `redis://127.0.0.1:${port}` });
  const { status, output } = await program.ended();
  expect(output).toBe(`No Redis at 127.0.0.1:${port} (no answer): start one, or set REDIS_URL\n`);
  expect(status).toBe(1);
  silent.close();
});
