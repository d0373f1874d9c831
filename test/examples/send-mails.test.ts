import { once } from "node:events";
import { rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ConnectionPool } from "adbapi";
import { SMTPServer } from "smtp-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { freePort } from "../support/free-port.js";
import { guardedDirectory } from "../support/run-directory.js";

let received: string[];
let server: SMTPServer;
let directory: string;
let file: string;

beforeEach(async () => {
  received = [];
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo: ({ address }, _session, done) =>
      done(address.includes("+bad@") ? new Error("no such mailbox") : null),
    onData: (stream, session, done) => {
      stream.resume().once("end", () => {
        received.push(...session.envelope.rcptTo.map(({ address }) => address));
        done();
      });
    },
  });
  server.on("error", () => undefined); // Connections that the crash cuts.
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  directory = guardedDirectory("mails");
  file = join(directory, "recipients.db");
});

afterEach(async () => {
  await new Promise<void>((done) => server.close(done));
  await rm(directory, { recursive: true });
});

const mail = (total: number, env?: Record<string, string>) => {
  const { port } = server.server.address() as AddressInfo;
  return ChildProgram.example(
    "send-mails",
    [String(total), file],
    env ?? { SMTP_URL: `smtp://127.0.0.1:${port}` },
  );
};

async function recorded(state: "sent" | "failed"): Promise<string[]> {
  await using pool = new ConnectionPool("better-sqlite3", file, { max: 1 });
  const rows = await pool.runQuery<{ address: string }>("select address from recipients where state = ?", [
    state,
  ]);
  return rows.map(({ address }) => address);
}

const twice = () => received.filter((address, place) => received.indexOf(address) !== place);

test("everybody gets one mail in three ways, those who cannot are told apart, and a second run mails nobody", async () => {
  await using first = mail(300);
  const { status, output } = await first.ended();
  expect(output).toMatch(/reader10\+bad@example\.com: .*no such mailbox/);
  expect(output).toMatch(/All at once:\n {2}90 sent, 10 failed\n/);
  expect(output).toMatch(/270 sent, 30 failed/);
  expect(status).toBe(0);
  expect(received).toHaveLength(270);
  expect(twice()).toEqual([]);
  expect((await recorded("sent")).sort()).toEqual(received.sort());
  expect(await recorded("failed")).toHaveLength(30);

  await using second = mail(300);
  expect((await second.ended()).output).toMatch(/^0 of 300 recipients are waiting/);
  expect(received).toHaveLength(270);
});

test("one recipient is one mail to exactly that recipient, or a refusal that is recorded", async () => {
  const refused = [
    ...[
      "a@x.example, b@y.example",
      "a@x.example;b@y.example",
      "c@x.example\r\nBcc: d@z.example",
      "e@x.example\nf",
    ],
    ...[
      "<g@x.example>",
      "h <i@x.example>",
      '"j@y.example, k"@x.example',
      "group: l@x.example, m@x.example;",
      "n@o@x.example",
    ],
    ...[
      "",
      "@x.example",
      "p@",
      "q r@x.example",
      "s\u200b@x.example",
      "t\u007f@x.example",
      "u@\u202ex.example",
    ],
  ];
  const taken = ["plain@x.example", "o'brien+news@x.example", "ü@x.example"];
  await using pool = new ConnectionPool("better-sqlite3", file, { max: 1 });
  await pool.runOperation(
    "create table recipients (id integer primary key, address text, state text, error text)",
  );
  for (const address of [...refused, ...taken])
    await pool.runOperation("insert into recipients (address) values (?)", [address]);
  await pool.close();
  await using first = mail(refused.length + taken.length);
  expect((await first.ended()).status).toBe(0);
  expect(received.sort()).toEqual(taken.sort());
  expect((await recorded("failed")).sort()).toEqual(refused.sort());
});

test("while there is no mail server nobody is written off: the next run mails them all", async () => {
  const nowhere = { SMTP_URL: `smtp://127.0.0.1:${await freePort()}` };
  await using first = mail(200, nowhere);
  const { status, output } = await first.ended();
  expect(output).toMatch(/reader1@example\.com: .*ECONNREFUSED/);
  expect(output).toMatch(/^0 sent, \d+ failed/m);
  expect(status).toBe(0);
  expect(await recorded("failed")).toEqual([]);
  await using second = mail(200);
  await second.ended();
  expect(received).toHaveLength(180);
});

test("SIGTERM: what is on its way arrives and is recorded, and a second run does the rest", {
  timeout: 240_000,
}, async () => {
  await using first = mail(1_500);
  while (received.length < 150) await new Promise((done) => setTimeout(done, 10));
  first.signal("SIGTERM");
  const { status, output } = await first.ended();
  expect(output).toMatch(/Stopped: run it again/);
  expect(status).toBe(0);
  expect(received.length).toBeLessThan(1_350);
  expect((await recorded("sent")).sort()).toEqual(received.sort());
  await using second = mail(1_500);
  await second.ended();
  expect(received).toHaveLength(1_350);
  expect(twice()).toEqual([]);
});

test("after a crash nobody who was recorded gets a second mail", { timeout: 240_000 }, async () => {
  await using first = mail(2_000);
  while (received.length < 1_000) await new Promise((done) => setTimeout(done, 10));
  first.signal("SIGKILL");
  await first.ended();
  const before = new Set(await recorded("sent"));
  expect(before.size).toBeGreaterThan(400);
  await using second = mail(2_000);
  expect((await second.ended()).status).toBe(0);
  expect(new Set(received).size).toBe(1_800);
  expect(twice().filter((address) => before.has(address))).toEqual([]);
});

test("memory stays flat and the event loop free", { timeout: 240_000 }, async () => {
  // A tenth of them is enough for the heap of any Node.js to have found its size.
  const begin = performance.now();
  await using program = mail(20_000, {});
  const { status, output } = await program.ended();
  expect(output).toMatch(/18000 sent, 2000 failed/);
  const [, tenth, most, pause] =
    /memory: (\d+) MB after a tenth, (\d+) MB at most; longest pause .* (\d+) ms/.exec(output)!;
  expect(Number(most)).toBeLessThan(Number(tenth) * 1.5);
  // A busy machine has pauses of its own, and makes all of it last longer.
  expect(Number(pause)).toBeLessThan(Math.max(1_000, (performance.now() - begin) / 10));
  expect(status).toBe(0);
});
