import { get } from "node:http";
import { join } from "node:path";
import { ConnectionPool } from "adbapi";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildServer } from "../../examples/fastify.js";
import { ChildProgram } from "../support/child-program.js";
import { eventually } from "../support/eventually.js";
import { guardedDirectory } from "../support/run-directory.js";

let pool: ConnectionPool;
let server: FastifyInstance;
let address: string;

beforeEach(async () => {
  pool = new ConnectionPool("better-sqlite3", join(guardedDirectory("fastify"), "agents.db"));
  server = await buildServer(pool);
  address = await server.listen({ port: 0, host: "127.0.0.1" });
});
afterEach(() => server.close());

const post = (name: string) =>
  fetch(`${address}/agents`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
  });

test("a transaction for each request: committed before the answer, or rolled back", async () => {
  expect(await (await post("James Bond")).json()).toEqual({ id: 1, name: "James Bond" });
  expect((await post("James Bond")).status).toBe(409);
  expect(await (await fetch(`${address}/agents`)).json()).toEqual([{ id: 1, name: "James Bond" }]);
  await eventually("in use", () => pool.stats.inUse, 0);
});

test("what a client gets wrong is no error of the server's", async () => {
  const malformed = { method: "POST", headers: { "content-type": "application/json" }, body: "{" };
  expect((await fetch(`${address}/agents`, malformed)).status).toBe(400);
  for (const name of [null, "", undefined, {}]) expect((await post(name as never)).status).toBe(400);
  expect(await (await fetch(`${address}/agents`)).json()).toEqual([]);
  expect((await fetch(`${address}/nowhere`)).status).toBe(404);
});

test("a client that goes away cancels its query", async () => {
  const request = get(`${address}/endless`).on("error", () => {});
  await eventually("in use", () => pool.stats.inUse, 1);
  request.destroy();
  await eventually("in use", () => pool.stats.inUse, 0);
  expect((await post("Emma Peel")).status).toBe(200);
});

test("closing the server closes the pool", async () => {
  await server.close();
  expect(pool.closed).toBe(true);
});

test("as a program: listens, answers, and stops on SIGTERM", async () => {
  await using program = ChildProgram.example("fastify", [], { PORT: "0" });
  await program.printed(/listening at/);
  program.signal("SIGTERM");
  expect((await program.ended()).status).toBe(0);
});
