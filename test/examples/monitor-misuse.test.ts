/** The monitor among those who mean it no good, or make mistakes. */
import { once } from "node:events";
import { createServer, get } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { ConnectionPool, InterfaceError } from "adbapi";
import { type Monitor, monitor, type Report } from "adbapi/monitor";
import { chromium } from "playwright-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { CHROMIUM } from "../support/chromium.js";
import { eventually } from "../support/eventually.js";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const newPool = (name: string) => new ConnectionPool("better-sqlite3", ":memory:", { name, logger: silent });

let pool: ConnectionPool<"better-sqlite3">;
let page: Monitor;

beforeEach(async () => {
  pool = newPool("orders");
  page = monitor(pool);
  await page.startService();
});

afterEach(async () => {
  await page.stopService();
  await pool.close();
});

async function open({ url }: Monitor): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  return socket;
}

async function report(socket: WebSocket): Promise<Report> {
  return JSON.parse(String((await once(socket, "message"))[0]));
}

/** Speaks no WebSocket by itself, reads nothing, and keeps its side open. */
async function raw(...lines: string[]): Promise<Socket> {
  const { port, host } = new URL(page.url);
  const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
  await once(
    socket.on("error", () => undefined),
    "connect",
  );
  const request = [
    "GET / HTTP/1.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
  ];
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  if (lines.length > 0) socket.write([...request, key, ...lines, "", ""].join("\r\n").replace("HOST", host));
  return socket;
}

describe("monitor", () => {
  test("a port in use: the start fails, and what was there goes on", async () => {
    const second = monitor(pool, { port: Number(new URL(page.url).port) });
    await expect(second.startService()).rejects.toThrow(/EADDRINUSE/);
    expect(second.running).toBe(false);
    await second.stopService();
    await expect(page.startService()).rejects.toThrow(/monitor of orders runs already/);
    const socket = await open(page);
    expect(await report(socket)).toMatchObject({ pool: "orders" });
    socket.terminate();
  });

  test("each of many pools on its own page, also of one name", async () => {
    const pools = Array.from({ length: 10 }, () => newPool("twin"));
    const pages = pools.map((each) => monitor(each));
    await Promise.all(pages.map((each) => each.startService()));
    const sockets = await Promise.all(pages.map(open));
    await Promise.all(pools.map((each, number) => each.runQuery(`select ${number} as number`)));
    const told = await Promise.all(sockets.map(report));
    expect(told.map(({ slowest }) => slowest.map(({ sql }) => sql))).toEqual(
      pools.map((_, number) => [`select ${number} as number`]),
    );
    await Promise.all([...pages.map((each) => each.stopService()), ...pools.map((each) => each.close())]);
  });

  test("a pool that is closed while a page is open: nothing is there any more", async () => {
    const socket = await open(page);
    await pool.runQuery("select 1");
    await pool.close();
    await report(socket);
    const { connections, waiting, perSecond } = await report(socket);
    expect({ ...connections, waiting, ...perSecond }).toEqual({
      inUse: 0,
      max: 1,
      idle: 0,
      connecting: 0,
      waiting: 0,
      statements: 0,
      errors: 0,
    });
    socket.terminate();
  });

  test("of a statement with a megabyte of text, failed or not, a page gets the beginning", async () => {
    const socket = await open(page);
    const text = `'${"x".repeat(1_000_000)}'`;
    await pool.runQuery(`select ${text}`);
    await pool.runQuery(`select * from ${text} where`).catch(() => undefined);
    const { slowest, errors } = await report(socket);
    expect([...slowest, ...errors].map(({ sql }) => sql?.length)).toEqual([1_000, 1_000, 1_000]);
    socket.terminate();
  });

  test("who sends too much is thrown out, and the others stay", async () => {
    const [quiet, loud] = await Promise.all([open(page), open(page)]);
    loud.on("error", () => undefined).send("x".repeat(1_000_000));
    await once(loud, "close");
    const babbler = await open(page);
    for (let i = 0; i < 10_000; i += 1) babbler.send("small");
    expect(await report(quiet)).toMatchObject({ pool: "orders" });
    for (const socket of [quiet, babbler]) socket.terminate();
  });

  test("who takes nothing is thrown out before it costs memory", async () => {
    const large = monitor({ name: "x".repeat(4_000_000), database: pool.database, stats: pool.stats });
    await page.stopService();
    page = large;
    await page.startService();
    const deaf = await raw("Host: HOST");
    const closed = Promise.race(["end", "close"].map((event) => once(deaf, event)));
    deaf.pause();
    // It does not see that it was thrown out until it reads; the others do not wait for it meanwhile.
    const quiet = await open(page);
    for (let i = 0; i < 4; i += 1) await report(quiet);
    deaf.resume();
    await closed;
    quiet.terminate();
  });

  test("beyond loopback nothing is answered without the token, and no name but its own is taken", async () => {
    await page.stopService();
    page = monitor(pool, { host: "0.0.0.0", hostNames: ["pools.example"] });
    await page.startService();
    const { port, pathname, href } = new URL(page.url);
    expect(pathname).toMatch(/^\/[\w-]{32}\/$/);
    const statusOf = async (path: string, host = `127.0.0.1:${port}`) => {
      const [response] = await once(get({ host: "127.0.0.1", port, path, headers: { host } }), "response");
      response.resume();
      return response.statusCode;
    };
    expect((await fetch(href)).status).toBe(200);
    expect((await fetch(`${href}page.js`)).status).toBe(200);
    const wrong = `/${"x".repeat(32)}/`;
    for (const path of [
      "/",
      "/page.js",
      wrong,
      `${pathname.slice(0, -2)}/`,
      pathname.slice(0, -1),
      `/x${pathname}`,
    ])
      expect(await statusOf(path), path).toBe(403);
    const hosts = {
      "pools.example": 200,
      localhost: 200,
      "10.1.2.3": 200,
      "[::1]": 200,
      "attacker.example": 403,
      "pools.example.org": 403,
    };
    for (const [host, status] of Object.entries(hosts))
      expect(await statusOf(pathname, `${host}:${port}`), host).toBe(status);
    for (const [path, opens] of [
      ["/", false],
      [wrong, false],
      [pathname, true],
    ] as const) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
      const heard = await new Promise((done) => {
        socket.once("open", () => done(true)).once("error", () => done(false));
      });
      expect(heard, path).toBe(opens);
      socket.terminate();
    }
  });

  test("a token and names of one's own, and what is none", async () => {
    const token = "a-token-of-my-own_1";
    await page.stopService();
    page = monitor(pool, { token });
    await page.startService();
    expect(new URL(page.url).pathname).toBe(`/${token}/`);
    expect((await fetch(page.url)).status).toBe(200);
    expect((await fetch(new URL("/", page.url))).status).toBe(403);
    const wrongOnes: readonly object[] = [
      { hostNames: ["*"] },
      { hostNames: ["*.example"] },
      { hostNames: "pools.example" },
      { hostNames: null },
      { host: "" }, // Node.js would listen on every address.
      { host: 5 },
      { port: "8080" },
      { port: Number.NaN },
      { prot: 8080 },
      { token: "short" },
      { token: "no/slash/in-a-token" },
      { hostNames: ["Upper.example"] },
      { hostNames: ["a.example:80"] },
    ];
    for (const wrong of wrongOnes)
      expect(() => monitor(pool, wrong), JSON.stringify(wrong)).toThrow(InterfaceError);
  });

  test("the 65th page is told to come back later", async () => {
    const sockets = await Promise.all(Array.from({ length: 64 }, () => open(page)));
    await expect(open(page)).rejects.toThrow(/503/);
    sockets[0]!.terminate();
    await eventually(
      "a place",
      async () => {
        const socket = await open(page).catch(() => undefined);
        socket?.terminate();
        return socket !== undefined;
      },
      true,
    );
    for (const socket of sockets) socket.terminate();
  });

  test("a stop waits for nobody: not for who says nothing, half a request, or keeps a refused connection", async () => {
    const guests = await Promise.all([raw(), raw("Host: attacker.example"), raw("Host: HOST")]);
    const halfway = await raw();
    halfway.write("GET / HTT");
    await once(guests[1]!, "data");
    await once(guests[2]!, "data");
    await page.stopService();
    for (const guest of [...guests, halfway]) guest.destroy();
  });
});

describe.runIf(CHROMIUM)("in a browser", () => {
  test("names, statements and errors are text, whatever they look like", async () => {
    await page.stopService();
    await pool.close();
    const markup = "<img src=x onerror=alert(1)><script>alert(2)</script>";
    pool = newPool(markup);
    page = monitor(pool);
    await page.startService();
    const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
    const view = await browser.newPage();
    const alerts: string[] = [];
    view.on("dialog", (dialog) => {
      alerts.push(dialog.message());
      dialog.dismiss();
    });
    await view.goto(page.url);
    await view.getByText("Live").waitFor();
    await pool.runQuery(`select '${markup}' as markup`);
    await pool.runQuery(`select * from [${markup}]`).catch(() => undefined);
    await view.locator("#errors", { hasText: markup }).waitFor();
    await view.locator("#slowest", { hasText: markup }).first().waitFor();
    expect(await view.locator("#pool").textContent()).toBe(markup);
    expect(await view.locator("main img, main script, header img, header script").count()).toBe(0);
    expect(alerts).toEqual([]);
    await browser.close();
  });

  test("a page of another origin cannot listen in", async () => {
    const server = createServer((_, response) => response.end("<p>another page</p>")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
    const view = await browser.newPage();
    const heard: unknown[] = [];
    for (const url of [page.url, other]) {
      await view.goto(url);
      const attempt = `new Promise((done) => {
        const socket = new WebSocket("${page.url.replace("http", "ws")}");
        socket.onopen = () => done("open");
        socket.onerror = () => done("refused");
      })`;
      heard.push(await view.evaluate(attempt));
    }
    expect(heard).toEqual(["open", "refused"]);
    await browser.close();
    server.close();
  });
});
