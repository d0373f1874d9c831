/** F3: `start()` and `min`. */
import { OperationalError, PoolClosed } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

test("F3 start() fires with min connections open, also beside statements that borrow them", () =>
  withScripted({ pool: { min: 3, max: 3 } }, async (pool, server) => {
    server.always("connect", gate.slow(20));
    server.next("connect", gate.ok);
    const query = pool.runQuery("select 1");
    const started = pool.start();
    await query;
    await started;
    expect(pool.stats.size).toBe(3);
    await pool.start();
    expect(server.connects).toBe(3);
  }));

test("F3 start() that asks while the connections are being opened waits for them", () =>
  withScripted({ pool: { min: 2, max: 2 } }, async (pool, server) => {
    server.always("connect", gate.slow(20));
    const [first, second] = [pool.start(), pool.start()];
    await second;
    expect(pool.stats.size).toBe(2);
    await first;
    expect(server.connects).toBe(2);
  }));

test("F3 start() fails with the reason, and the pool goes on refilling by itself", () =>
  withScripted({ pool: { min: 2, max: 2 } }, async (pool, server, listen) => {
    const down = new Error("down");
    server.always("connect", gate.err(down));
    const ear = listen(pool.start());
    await eventually("the failure", () => ear.fired, 1);
    expect(ear.error).toBeInstanceOf(OperationalError);
    expect(ear.error.cause).toBe(down);
    server.always("connect", gate.ok);
    await eventually("size", () => pool.stats.size, 2);
  }));

test("F3 start() that waits hears of close()", () =>
  withScripted({ pool: { min: 2, max: 2 } }, async (pool, server, listen) => {
    server.always("connect", gate.never);
    const ear = listen(pool.start());
    await pool.close();
    await eventually("the failure", () => ear.fired, 1);
    expect(ear.error).toBeInstanceOf(PoolClosed);
  }));
