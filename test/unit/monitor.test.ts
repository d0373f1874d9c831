import { InterfaceError, PoolTimeout, UniqueViolation } from "adbapi";
import { describe, expect, test } from "vitest";
import { Histogram } from "../../dist/src/monitor/histogram.js";
import { redact, shownMessage } from "../../dist/src/monitor/redact.js";
import { SlowStatements } from "../../dist/src/monitor/slow-statements.js";

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
  expect(first).toEqual({ sql: "slow", count: 2, mean: 200, max: 300 });
  expect(second?.sql).toHaveLength(1_000);
});
