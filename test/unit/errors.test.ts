import {
  ConnectionLost,
  ConnectionPool,
  DeadlockDetected,
  LockNotAvailable,
  OperationalError,
  SerializationFailure,
} from "adbapi";
import { expect, test } from "vitest";

test("a deadlock and a serialization failure are retryable unless their maker says otherwise", () => {
  expect(new DeadlockDetected("a").retryable).toBe(true);
  expect(new SerializationFailure("a", { code: "40001" }).retryable).toBe(true);
  expect(new SerializationFailure("a", { retryable: false }).retryable).toBe(false);
  expect(new OperationalError("a").retryable).toBe(false);
  expect(new LockNotAvailable("a").retryable).toBe(false);
});

test("a lost connection is retryable where nothing of the work lasts", () => {
  for (const outcome of ["not sent", "not applied"] as const) {
    expect(new ConnectionLost("a", { outcome, retryable: false }).retryable).toBe(true);
  }
  for (const outcome of ["applied", "unknown", undefined] as const) {
    expect(new ConnectionLost("a", { ...(outcome && { outcome }), retryable: true }).retryable).toBe(false);
  }
});

test("`retries` heeds the class that an interaction failed with, whoever made the error", async () => {
  await using pool = new ConnectionPool("better-sqlite3", ":memory:");
  for (const Class of [DeadlockDetected, SerializationFailure]) {
    let runs = 0;
    const answer = await pool.runInteraction({ retries: 2 }, () => {
      runs++;
      if (runs < 3) throw new Class("once more");
      return runs;
    });
    expect(answer).toBe(3);
  }
});
