/** F7, F9, F22: a thread inside of a call that nothing stops. */
import { CancelledError, ConnectionPool, StatementTimeout } from "adbapi";
import { blockingDriver } from "adbapi/drivers/blocking";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import type { PoolOptions } from "../support/with-pool.js";
import { Ear, quiet } from "../support/with-scripted.js";

const reads = (sql: string) => sql.startsWith("select");
const driver = blockingDriver(new URL("./modules/deaf.mjs", import.meta.url), {
  singleWriter: true,
  repeatable: reads,
});

/** A pool of a single connection, whose deaf statements hear again once the gate is opened. */
async function withGate(
  options: PoolOptions,
  use: (pool: ConnectionPool, gate: Gate) => Promise<void>,
): Promise<void> {
  const gate = new Gate();
  const pool = new ConnectionPool(driver, [gate.buffer], { min: 0, max: 1, logger: quiet, ...options });
  try {
    await use(pool, gate);
  } finally {
    gate.open();
    await pool.close();
  }
  expect(driver.retiredThreads).toBe(0);
}

class Gate {
  readonly buffer = new SharedArrayBuffer(8);
  readonly #cells = new Int32Array(this.buffer);

  /** Fires once so many statements are deaf. */
  async deaf(count: number): Promise<void> {
    await eventually("deaf statements", () => Atomics.load(this.#cells, 1), count);
  }

  open(): void {
    Atomics.store(this.#cells, 0, 1);
    Atomics.notify(this.#cells, 0);
  }
}

test("F9 a read that is deaf is given up with its thread: another takes the place at once", () =>
  withGate({}, async (pool, gate) => {
    for (let n = 1; n <= 3; n++) {
      const reading = pool.runQuery("select deaf");
      await gate.deaf(n);
      reading.cancel();
      await expect(reading).rejects.toBeInstanceOf(CancelledError);
      expect(await pool.runQuery("select 1")).toEqual([{ did: "select 1" }]);
      expect(await pool.runQuery("insert 1")).toEqual([{ did: "insert 1" }]);
      expect(driver.retiredThreads).toBe(n);
    }
  }));

test("F7 a write that is deaf: reads go on, and the next writer waits until its thread has ended", () =>
  withGate({}, async (pool, gate) => {
    await pool.runQuery("select 1");
    const writing = pool.runOperation("insert deaf", [], { timeoutMillis: 500 });
    await expect(writing).rejects.toMatchObject({ name: StatementTimeout.name, outcome: "not applied" });
    const next = new Ear(pool.runQuery("insert 2"));
    for (let n = 0; n < 3; n++) expect(await pool.runQuery(`select ${n}`)).toHaveLength(1);
    expect(driver.retiredThreads).toBe(1);
    expect(next.fired).toBe(0);
    gate.open();
    await eventually("the next writer's answers", () => next.fired, 1);
    expect(next.heard).toEqual([{ value: [{ did: "insert 2" }] }]);
    expect(driver.retiredThreads).toBe(0);
  }));

test("F7 a writer who cannot wait for that any longer is told so", () =>
  withGate({ acquireTimeoutMillis: 1_000 }, async (pool, gate) => {
    const writing = pool.runOperation("insert deaf");
    await gate.deaf(1);
    writing.cancel();
    await expect(writing).rejects.toBeInstanceOf(CancelledError);
    const message = /single writer at a time, and that is a statement which was cancelled/;
    await expect(pool.runQuery("insert 2")).rejects.toMatchObject({
      name: "PoolTimeout",
      message: expect.stringMatching(message),
    });
    expect(await pool.runQuery("select 1")).toHaveLength(1);
  }));

test("F7 a write of an interaction that is deaf: the same", () =>
  withGate({}, async (pool, gate) => {
    const writing = pool.runInteraction((t) => t.runOperation("insert deaf"));
    await gate.deaf(1);
    writing.cancel();
    await expect(writing).rejects.toMatchObject({ name: CancelledError.name, outcome: "not applied" });
    const next = new Ear(pool.runInteraction((t) => t.runQuery("insert 2")));
    expect(await pool.runQuery("select 1")).toHaveLength(1);
    expect(next.fired).toBe(0);
    gate.open();
    await eventually("the next interaction's answers", () => next.fired, 1);
    expect(next.heard).toEqual([{ value: [{ did: "insert 2" }] }]);
  }));

test("F22 close() waits for it", () =>
  withGate({}, async (pool, gate) => {
    const reading = pool.runQuery("select deaf");
    await gate.deaf(1);
    reading.cancel();
    await expect(reading).rejects.toBeInstanceOf(CancelledError);
    const closed = new Ear(pool.close({ timeoutMillis: 10 }));
    const other = new ConnectionPool(driver, [new Gate().buffer], { min: 0 });
    await other.runQuery("select 1");
    await other.close();
    expect(closed.fired).toBe(0);
    gate.open();
    await eventually("the end", () => closed.fired, 1);
  }));
