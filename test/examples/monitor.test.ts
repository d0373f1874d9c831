import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { get } from "node:http";
import { ConnectionPool } from "adbapi";
import { type Monitor, monitor, type Report } from "adbapi/monitor";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { CHROMIUM } from "../support/chromium.js";

let pool: ConnectionPool<"better-sqlite3">;
let page: Monitor;

beforeEach(async () => {
  pool = new ConnectionPool("better-sqlite3", ":memory:", { name: "orders", logger: silent });
  page = monitor(pool);
  await page.startService();
});

afterEach(async () => {
  await page.stopService();
  await pool.close();
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Whether somebody listens for statements. */
const subscribed = () => channel("tracing:adbapi:statement:start").hasSubscribers;

async function reports(socket: WebSocket, count: number): Promise<Report[]> {
  const heard: Report[] = [];
  while (heard.length < count) heard.push(JSON.parse(String((await once(socket, "message"))[0])));
  return heard;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 10));
}

async function statusOf(headers: Record<string, string>, path = ""): Promise<number | undefined> {
  const [response] = await once(get(page.url + path, { headers }), "response");
  response.resume();
  return response.statusCode;
}

describe("monitor", () => {
  test("listens on loopback, at a port of its own", async () => {
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await statusOf({})).toBe(200);
    expect(await statusOf({}, "snapshot")).toBe(200);
    expect(await statusOf({ Host: "attacker.example" }, "snapshot")).toBe(403);
    expect(await statusOf({}, "nothing")).toBe(404);
  });

  test("listens to the pool while it runs, also before a page is opened", async () => {
    expect(subscribed()).toBe(true);
    await page.stopService();
    expect(subscribed()).toBe(false);
  });

  test("tells what happened, once a second, without a value of anybody's params", async () => {
    const socket = new WebSocket(page.url);
    await once(socket, "open");
    await until(subscribed);
    await pool.runOperation("create table users (name text primary key)");
    await pool.runOperation("insert into users values (?)", ["a secret name"]);
    for (let i = 0; i < 20; i += 1)
      await pool.runQuery("select * from users where name = ?", ["a secret name"]);
    await pool.runOperation("insert into users values (?)", ["a secret name"]).catch(() => undefined);
    await pool.runQuery("select * from nowhere where name = 'a secret name'").catch(() => undefined);
    const begun = performance.now();
    const [first, ...more] = await reports(socket, 3);
    expect(performance.now() - begun).toBeGreaterThan(1_900);
    expect(first).toMatchObject({
      pool: "orders",
      connections: { inUse: 0, idle: 1, connecting: 0 },
      waiting: 0,
    });
    expect(first?.perSecond.statements).toBeGreaterThan(10);
    expect(first?.latency?.p50).toBeGreaterThan(0);
    expect(first?.latency?.p99).toBeGreaterThanOrEqual(first?.latency?.p50 ?? 0);
    expect(first?.slowest.find(({ sql }) => sql.startsWith("select * from users"))?.count).toBe(20);
    expect(first?.errors.map(({ name }) => name)).toEqual(["ProgrammingError", "UniqueViolation"]);
    expect(first?.errors.map(({ message }) => message).join()).not.toContain("secret");
    expect(more.every(({ perSecond, latency }) => perSecond.statements === 0 && latency === null)).toBe(true);
    socket.terminate();
  });

  test("answers nobody but its own page", async () => {
    const { host } = new URL(page.url);
    expect(await statusOf({ Host: "attacker.example" })).toBe(403);
    expect(await statusOf({ Host: `localhost:${new URL(page.url).port}` })).toBe(200);
    const foreign = new WebSocket(page.url, { headers: { Origin: "http://attacker.example" } });
    expect(String((await once(foreign, "error"))[0])).toMatch(/403/);
    const rebound = new WebSocket(page.url, {
      headers: { Host: "attacker.example", Origin: "http://attacker.example" },
    });
    expect(String((await once(rebound, "error"))[0])).toMatch(/403/);
    const own = new WebSocket(page.url, { headers: { Origin: `http://${host}` } });
    await once(own, "open");
    own.terminate();
  });

  test("stops with pages open, and starts again", async () => {
    const socket = new WebSocket(page.url);
    await once(socket, "open");
    await page.stopService();
    await until(() => socket.readyState === WebSocket.CLOSED);
    expect(subscribed()).toBe(false);
    expect(() => page.url).toThrow(/has a url once/);
    await page.startService();
    expect(await statusOf({})).toBe(200);
  });
});

describe.runIf(CHROMIUM)("in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
    browser = await chromium.launch({ executablePath: CHROMIUM!, args });
    await mkdir("artifacts", { recursive: true });
  });

  afterAll(() => browser?.close());

  /** What a chart shows, as a picture. */
  const picture = (view: Page, chart: string) =>
    view
      .locator(`#${chart} canvas`)
      .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());

  for (const colorScheme of ["light", "dark"] as const) {
    test(`${colorScheme}: the charts move while a load runs, and nothing is asked of another origin`, async () => {
      const view = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 1_000 } });
      const asked: string[] = [];
      const problems: string[] = [];
      view.on("request", (request) => asked.push(request.url()));
      view.on("pageerror", (error) => problems.push(String(error)));
      view.on("console", (message) => problems.push(message.text()));
      await view.goto(page.url);
      await view.getByText("Live").waitFor();
      await view.locator("#in-use", { hasText: "0 / " }).waitFor();
      const before = await Promise.all(
        ["throughput-chart", "latency-chart"].map((chart) => picture(view, chart)),
      );

      const load = setInterval(() => {
        for (let i = 0; i < 10 + 5 * Math.sin(Date.now() / 1_000); i += 1) {
          pool.runQuery("select ? + 1 as answer", [i]).addErrback(() => undefined);
        }
        pool.runQuery(
          "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) select sum(i) from n",
          [10_000 + 20_000 * Math.random()],
        );
        if (Math.random() < 0.05) pool.runQuery("select * from nowhere").addErrback(() => undefined);
      }, 20);
      await view.locator("#slowest", { hasText: "with recursive" }).waitFor();
      await view.locator("#errors", { hasText: "ProgrammingError" }).waitFor();
      await view.waitForTimeout(3_000);
      clearInterval(load);

      const after = await Promise.all(
        ["throughput-chart", "latency-chart"].map((chart) => picture(view, chart)),
      );
      expect(after[0]).not.toBe(before[0]);
      expect(after[1]).not.toBe(before[1]);
      expect(
        Number.parseFloat((await view.locator("#throughput-chart .u-value").nth(1).textContent()) ?? ""),
      ).toBeGreaterThan(0);
      await view.screenshot({ path: `artifacts/monitor-${colorScheme}.png`, fullPage: true });
      expect(asked.filter((url) => new URL(url).origin !== new URL(page.url).origin)).toEqual([]);
      expect(problems).toEqual([]);
      await view.close();
    });
  }
});
