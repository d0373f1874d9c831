import { ConnectionPool, InterfaceError, PoolTimeout, UniqueViolation } from "adbapi";
import { describe, expect, test } from "vitest";
import { Histogram } from "../../dist/src/monitor/histogram.js";
import { redact, shownMessage } from "../../dist/src/monitor/redact.js";
import { SlowStatements } from "../../dist/src/monitor/slow-statements.js";
import { snapshotText } from "../../dist/src/monitor/snapshot.js";
import { Watch } from "../../dist/src/monitor/watch.js";

test.each([
  ["Duplicate entry 'ada@example.com' for key 'users.email'", "Duplicate entry '…'"],
  [
    'duplicate key value violates unique constraint "users_pkey"',
    'duplicate key value violates unique constraint "…"',
  ],
  ["Incorrect value: 'it's' for column 'n' at row 1", "Incorrect value: '…' at row 1"],
  ["Duplicate entry 'two\nlines' for key 'k'", "Duplicate entry '…'"],
  ["Bad value 'a'b\nc'", "Bad value '…'"],
  ["(conn:7) Unknown table 't'\nsql: select ? - parameters:['secret',12]", "(conn:7) Unknown table '…'"],
  ["ungültige Eingabesyntax für Typ integer: »geheim«", "ungültige Eingabesyntax für Typ integer: »…«"],
  ["Valeur incorrecte « a » pour « b »", "Valeur incorrecte «…»"],
  ["no such table: nowhere", "no such table: nowhere"],
  ["", ""],
])("redacts %j", (message, shown) => {
  expect(redact(message)).toBe(shown);
});

test("our own errors are shown whole, and what a database says in any of them is not", () => {
  const own = 'pool "orders": no connection in 100 ms (open=2)\n  held for 90 ms: select "a" from t';
  expect(shownMessage(new PoolTimeout(own, { cause: new Error("refused 'x'") }))).toBe(own);
  expect(shownMessage(new InterfaceError('the pool option "max" must be a number'))).toContain('"max"');
  expect(shownMessage(new InterfaceError("refused: bad 'x'", { cause: new Error("bad 'x'") }))).toBe(
    "refused: bad '…'",
  );
  expect(shownMessage(new UniqueViolation("Duplicate entry 'x'"))).toBe("Duplicate entry '…'");
  expect(shownMessage(new Error("it's 'x'"))).toBe("it'…'");
  expect(shownMessage(new PoolTimeout("x".repeat(100_000)))).toHaveLength(4_000);
});

describe("Histogram", () => {
  test("tells percentiles within five percent", () => {
    const histogram = new Histogram();
    for (let i = 1; i <= 1_000; i += 1) histogram.add(i / 10);
    for (const part of [0.01, 0.5, 0.95, 0.99, 1]) {
      expect(Math.abs(histogram.percentile(part) / (part * 100) - 1)).toBeLessThan(0.05);
    }
  });

  test("holds nothing, nought, and more than it can tell apart", () => {
    const histogram = new Histogram();
    expect(histogram.percentile(0.5)).toBe(0);
    histogram.add(0);
    expect(histogram.percentile(0.5)).toBeCloseTo(0.001, 3);
    histogram.add(1e12);
    expect(histogram.percentile(1)).toBeGreaterThan(1e8);
    histogram.clear();
    expect(histogram.total).toBe(0);
  });
});

test("of a flood of texts the slowest stay, and a long text is cut", () => {
  const statements = new SlowStatements();
  statements.add("slow", 100);
  statements.add("slow", 300);
  for (let i = 0; i < 5_000; i += 1) statements.add(`select ${i}`, 1);
  statements.add("x".repeat(5_000), 50);
  const [first, second] = statements.top(2);
  expect(first).toEqual({ sql: "slow", count: 2, mean: 200, meanWaited: 0, max: 300 });
  expect(second?.sql).toHaveLength(1_000);
});

test("of a pool that one report holds, the report comes first, with its line of code; then ten that wait", async () => {
  const pool = new ConnectionPool("better-sqlite3", ":memory:", { acquireTimeoutMillis: 60_000 });
  await pool.runQuery("select 1");
  const watch = new Watch(pool);
  watch.start();
  try {
    const report = pool.runQuery(
      "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*), ? from n",
      ["a secret"],
    );
    const callers = Array.from({ length: 10 }, (_, i) => pool.runQuery("select ? as innocent", [i]));
    while (watch.report().running[0]?.state !== "running") await new Promise((done) => setTimeout(done, 5));
    const now = watch.report();
    const [culprit, ...others] = now.running;
    expect(culprit?.sql).toContain("with recursive");
    expect(culprit?.callSite).toContain("monitor.test.ts");
    expect(culprit?.millis).toBeGreaterThan(0);
    expect(others.map(({ state }) => state)).toEqual(Array(10).fill("waiting"));
    expect(now).toMatchObject({
      waiting: 10,
      connections: { inUse: 1, max: 1 },
      database: { system: "sqlite" },
    });
    expect(JSON.stringify(now)).not.toContain("secret");
    expect(snapshotText(now)).toMatch(/Now:\n {2}running \d+ ms: with recursive.*\n.*monitor\.test\.ts/);
    report.cancel();
    await report.catch(() => undefined);
    await Promise.all(callers);
    const after = watch.report();
    expect(after.running).toEqual([]);
    expect(after.slowest[0]?.sql).toContain("with recursive");
    const innocent = after.slowest.find(({ sql }) => sql.includes("innocent"));
    expect(innocent!.meanWaited).toBeGreaterThan(0);
  } finally {
    watch.stop();
    await pool.close();
  }
});
