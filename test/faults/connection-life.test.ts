/** F24: connections that are old, or not needed. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

test("F24 idle connections above min are closed, those of min are kept", () =>
  withScripted({ pool: { min: 1, max: 4, idleTimeoutMillis: 60 } }, async (pool, server) => {
    server.always("execute", gate.slow(20));
    await Promise.all(Array.from({ length: 4 }, (_, n) => pool.runQuery(`update ${n}`)));
    expect(pool.stats.size).toBe(4);
    await eventually("size", () => pool.stats.size, 1);
    await sleep(150);
    expect(pool.stats.size).toBe(1);
    expect(server.connects).toBe(4);
    expect(server.open).toBe(1);
  }));

test("F24 an old connection is replaced, also when nobody uses it", () =>
  withScripted({ pool: { min: 2, max: 2, maxLifetimeMillis: 80 } }, async (pool, server) => {
    await pool.start();
    const first = [...server.sessions];
    await eventually("those of the start", () => first.filter((one) => server.sessions.has(one)).length, 0);
    await eventually("size", () => pool.stats.size, 2);
    expect(server.most).toBe(2);
  }));

test("F24 a loan that runs is never ended by the connection's age: it is retired when it comes back", () =>
  withScripted({ pool: { max: 1, maxLifetimeMillis: 50 } }, async (pool, server) => {
    const session = await pool.runInteraction(async (t) => {
      const before = await t.runQuery<{ session: number }>("select 1");
      await sleep(150);
      expect(await t.runQuery("select 2")).toEqual(before);
      return before[0]?.session;
    });
    const [after] = await pool.runQuery<{ session: number }>("select 3");
    expect(after?.session).toBe((session ?? 0) + 1);
    expect(server.most).toBe(1);
  }));

test("F24 connections opened together do not end together", () =>
  withScripted({ pool: { min: 20, max: 20, maxLifetimeMillis: 2_000 } }, async (pool, server) => {
    const started = performance.now();
    await pool.start();
    const ends: number[] = [];
    const first = new Set(server.sessions);
    while (ends.length < 20) {
      for (const one of first)
        if (!server.sessions.has(one) && first.delete(one)) ends.push(performance.now() - started);
      await sleep(1);
    }
    expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThan(10); // ±50 ms
    expect(Math.min(...ends)).toBeGreaterThan(1_900);
  }));

test("F24 a goodbye that has no answer does not keep the others waiting, and the session is destroyed", () =>
  withScripted({ pool: { max: 2, maxLifetimeMillis: 50 } }, async (pool, server, listen) => {
    await pool.runQuery("select 1");
    server.next("close", gate.never);
    await sleep(100);
    const ear = listen(pool.runQuery("select 2"));
    await eventually("the next", () => ear.fired, 1, 1_000);
    await eventually("sessions", () => server.open <= 1, true, 8_000);
  }));
