import { once } from "node:events";
import { get } from "node:http";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { ChildProgram } from "../support/child-program.js";
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

  const closed = once(socket, "close");
  program.signal("SIGTERM");
  expect((await closed)[0]).toBe(1001);
  expect((await program.ended()).status).toBe(0);
});
