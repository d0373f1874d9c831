import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { freePort } from "../support/free-port.js";
import { listening } from "../support/listening.js";

async function fetched(agent: Agent, port: number, path: string): Promise<{ status: number; body: string }> {
  const [response] = (await once(get({ agent, host: "127.0.0.1", port, path }), "response")) as [
    IncomingMessage,
  ];
  return { status: response.statusCode!, body: await text(response) };
}

test("both services answer from one pool", async () => {
  const ports = [await freePort(), await freePort()] as const;
  await using program = ChildProgram.example("services", ports.map(String));
  await program.printed(/report: http/);
  const agent = new Agent();
  expect(await fetched(agent, ports[0], "/ada")).toEqual({
    status: 200,
    body: "Welcome, ada: visit number 1.\n",
  });
  expect(await fetched(agent, ports[0], "/ada")).toEqual({
    status: 200,
    body: "Welcome, ada: visit number 2.\n",
  });
  expect(await fetched(agent, ports[1], "/")).toEqual({ status: 200, body: "2 ada\n" });
});

test("what a client does wrong is told to it, and nothing of ours", async () => {
  const ports = [await freePort(), await freePort()] as const;
  await using program = ChildProgram.example("services", ports.map(String));
  await program.printed(/report: http/);
  const agent = new Agent();
  const badly = { status: 400, body: "the path is not well encoded\n" };
  for (const path of ["/%ff", "/%", "/%E0%A4"]) expect(await fetched(agent, ports[0], path)).toEqual(badly);
  expect(await fetched(agent, ports[0], `/${"x".repeat(101)}`)).toMatchObject({ status: 400 });
  // A line of its own in the report would name somebody who was never here.
  for (const path of ["/%0A99%20bond", "/%0D%0Ax", "/%00"])
    expect(await fetched(agent, ports[0], path)).toMatchObject({ status: 400 });
  const posted = await fetch(`http://127.0.0.1:${ports[0]}/ada`, {
    method: "POST",
    body: "x".repeat(1_000_000),
  });
  expect(posted.status).toBe(405);
  expect(await fetched(agent, ports[0], "/%C3%A9")).toEqual({
    status: 200,
    body: "Welcome, é: visit number 1.\n",
  });
  // It says localhost, and listens nowhere else.
  expect(await listening(ports[0])).toBe(true);
  for (const { address, internal } of Object.values(networkInterfaces()).flatMap((list) => list ?? []))
    if (!internal && !address.startsWith("fe80"))
      expect(await listening(ports[0], address), address).toBe(false);
});

test("SIGTERM during load: every request that was accepted is answered, status 0, nothing left listening", async () => {
  const ports = [await freePort(), await freePort()] as const;
  await using program = ChildProgram.example("services", ports.map(String));
  await program.printed(/report: http/);
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  let answered = 0;
  const visitor = async (number: number) => {
    for (;;) {
      try {
        const { status } = await fetched(agent, ports[number % 2]!, `/visitor${number}`);
        expect(status).toBe(200);
        answered += 1;
      } catch (error) {
        // What a client gets that comes when the service is gone; anything else is a request that was let down.
        if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED") return;
        throw error;
      }
    }
  };
  const visitors = Promise.all(Array.from({ length: 20 }, (_, number) => visitor(number)));
  while (answered < 500) await new Promise((done) => setTimeout(done, 10));
  program.signal("SIGTERM");
  await visitors;
  const { status, output } = await program.ended();
  expect(output).toMatch(/report: stopped\nvisits: stopped\n$/);
  expect(status).toBe(0);
  expect(await Promise.all(ports.map((port) => listening(port)))).toEqual([false, false]);
  agent.destroy();
});
