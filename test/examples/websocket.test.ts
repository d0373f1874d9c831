import { once } from "node:events";
import { get } from "node:http";
import { expect, test } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { ChildProgram } from "../support/child-program.js";
import { eventually } from "../support/eventually.js";
import { freePort } from "../support/free-port.js";

test("echoes what was kept, shows the pool, and says goodbye", async () => {
  const ports = [await freePort(), await freePort()] as const;
  await using program = ChildProgram.example("websocket", ports.map(String));
  await program.printed(/monitor: http/);
  const socket = new WebSocket(`ws://127.0.0.1:${ports[0]}/`);
  await once(socket, "open");
  socket.send("Grüße");
  expect(String((await once(socket, "message"))[0])).toMatch(/^\d+: Grüße$/);

  const page = new WebSocket(`ws://127.0.0.1:${ports[1]}/`);
  const report = JSON.parse(String((await once(page, "message"))[0]));
  expect(report.perSecond.statements).toBeGreaterThan(0);
  expect(report.slowest[0].sql).toBe("insert into messages values (?, ?)");
  const [response] = await once(get({ host: "127.0.0.1", port: ports[1] }), "response");
  response.resume();
  expect(response.statusCode).toBe(200);

  // What a hostile guest tries costs that guest the connection, and nobody else anything.
  const url = `ws://127.0.0.1:${ports[0]}/`;
  const status = async (options: ClientOptions) => {
    const guest = new WebSocket(url, options);
    const answered = new Promise((done) => {
      guest.once("open", () => done("open"));
      guest.once("unexpected-response", (_request, { statusCode }) => done(statusCode));
    });
    const heard = await answered;
    guest.on("error", () => {}).terminate();
    return heard;
  };
  expect(await status({ origin: "http://attacker.example" })).toBe(401);
  expect(await status({ origin: "chrome-extension://localhost" })).toBe(401);
  expect(await status({ headers: { host: `attacker.example:${ports[0]}` } })).toBe(401);
  expect(await status({ origin: `http://localhost:${ports[0]}` })).toBe("open");
  const loud = new WebSocket(url);
  await once(loud, "open");
  loud.on("error", () => {}).send("x".repeat(70_000));
  expect((await once(loud, "close"))[0]).toBe(1009);
  const deaf = new WebSocket(url);
  await once(deaf, "open");
  deaf.pause();
  const thrownOut = once(deaf, "close");
  for (let i = 0; i < 400; i += 1) deaf.send("y".repeat(60_000));
  await program.printed(/echo: a guest that does not read/);
  deaf.resume();
  await thrownOut;
  const guests = await Promise.all(
    Array.from({ length: 120 }, async () => {
      const guest = new WebSocket(url);
      await once(guest, "open");
      return guest;
    }),
  );
  await eventually(
    "guests that stay",
    () => guests.filter((guest) => guest.readyState === guest.OPEN).length,
    98,
  );
  for (const guest of guests) guest.terminate();
  socket.send("still there?");
  expect(String((await once(socket, "message"))[0])).toMatch(/still there/);

  const closed = once(socket, "close");
  program.signal("SIGTERM");
  expect((await closed)[0]).toBe(1001);
  expect((await program.ended()).status).toBe(0);
});
