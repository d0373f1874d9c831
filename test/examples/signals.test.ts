/**
 * Every example that runs for long stops in order: status 0, nobody left listening, no session left open, no
 * half-written file.
 */
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { ChildProgram } from "../support/child-program.js";
import { eventually } from "../support/eventually.js";
import { Forwarder } from "../support/forwarder.js";
import { freePort } from "../support/free-port.js";
import { listening } from "../support/listening.js";
import { guardedDirectory } from "../support/run-directory.js";
import { serverUrl } from "../support/servers.js";

const { example } = ChildProgram;

/** A program in the midst of its work, and what has to be true once it has ended. */
interface Running {
  readonly program: ChildProgram;
  readonly ports?: readonly number[];
  readonly afterwards?: (output: string) => unknown;
}

const EXAMPLES: Readonly<Record<string, () => Promise<Running>>> = {
  async services() {
    const ports = [await freePort(), await freePort()];
    const program = example("services", ports.map(String));
    await program.printed(/report: http/);
    await guests(ports[0]!, "", "GET /half HTT", "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    return { program, ports };
  },

  async websocket() {
    const ports = [await freePort(), await freePort()];
    const program = example("websocket", ports.map(String));
    await program.printed(/it said 1/);
    await Promise.all(ports.map((port) => once(new WebSocket(`ws://127.0.0.1:${port}/`), "open")));
    // It never says goodbye.
    await guests(
      ports[0]!,
      "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    return { program, ports };
  },

  async fastify() {
    const port = await freePort();
    const program = example("fastify", [], { PORT: String(port) });
    await program.printed(/listening at/);
    return { program, ports: [port] };
  },

  async "port-forward"() {
    const server = createServer((_, response) => response.write("for ever")).listen(0, "127.0.0.1");
    onTestFinished(() => void server.closeAllConnections());
    await once(server.unref(), "listening");
    const port = await freePort();
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const program = example("port-forward", [`127.0.0.1:${port}`, target]);
    await program.printed(/forwarding/);
    await guests(port, "", "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const connections = () => new Promise((done) => server.getConnections((_, count) => done(count)));
    await eventually("connections at the target", connections, 2);
    return { program, ports: [port], afterwards: () => eventually("connections", connections, 0) };
  },

  async "send-mails"() {
    const directory = guardedDirectory("signals");
    onTestFinished(() => rm(directory, { recursive: true }));
    const program = example("send-mails", ["100000", join(directory, "recipients.db")]);
    await program.printed(/By the million/);
    return {
      program,
      async afterwards(output) {
        expect(output).toMatch(/Stopped: run it again/);
        expect(await readdir(directory)).toEqual(["recipients.db"]);
      },
    };
  },

  async redis() {
    const forwarder = await Forwarder.before(serverUrl("redis")!);
    onTestFinished(() => forwarder.close());
    forwarder.delay(100);
    const program = example("redis", [], { REDIS_URL: forwarder.through(serverUrl("redis")!) });
    await program.printed(/password of abc/);
    return {
      program,
      async afterwards(output) {
        expect(output).toBe("password of abc: 123\n");
        await eventually("sessions", () => forwarder.connections, 0);
      },
    };
  },
};

/** Connections that say this much, and then nothing. */
async function guests(port: number, ...said: string[]): Promise<Socket[]> {
  return Promise.all(
    said.map(async (words) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      onTestFinished(() => void socket.destroy());
      await once(
        socket.on("error", () => undefined),
        "connect",
      );
      if (words !== "") socket.write(words);
      return socket;
    }),
  );
}

describe.each(Object.entries(EXAMPLES))("%s", (_, start) => {
  test.each(["SIGINT", "SIGTERM"] as const)("stops on %s in the midst of its work", async (signal) => {
    const { program, ports = [], afterwards } = await start();
    await using _ = program;
    program.signal(signal);
    const { status, output } = await program.ended();
    expect(status, output).toBe(0);
    expect(await Promise.all(ports.map((port) => listening(port)))).toEqual(ports.map(() => false));
    await afterwards?.(output);
  });
});
