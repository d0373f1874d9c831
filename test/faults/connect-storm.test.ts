/** F1: a server that refuses is neither stormed nor kept from the waiters, who hear why at once. */
import { setTimeout as sleep } from "node:timers/promises";
import { OperationalError, PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

const refused = new Error("connection refused");

test("F1 each waiter gets the reason at once, with as many connects as max and waiters at the most", () =>
  withScripted({ pool: { max: 3 } }, async (pool, server, listen) => {
    server.always("connect", gate.err(refused));
    const ears = Array.from({ length: 20 }, (_, n) => listen(pool.runQuery(`select ${n}`)));
    await eventually("answers", () => ears.filter((ear) => ear.fired).length, 20, 1_000);
    for (const { error } of ears) {
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.cause).toBe(refused);
    }
    expect(server.connects).toBeLessThanOrEqual(20 + 3);
    expect(new Set(ears.map((ear) => ear.error)).size).toBe(20);
    server.always("connect", gate.ok);
  }));

test("F1 with min to be refilled too, the waiters still hear the reason at once", () =>
  withScripted({ pool: { min: 3, max: 3 } }, async (pool, server, listen) => {
    server.always("connect", gate.err(refused));
    const queries = Array.from({ length: 5 }, (_, n) => pool.runQuery(`select ${n}`));
    const ears = queries.map(listen);
    await Promise.allSettled(queries);
    expect(server.connects).toBeLessThanOrEqual(5 + 3);
    expect(ears.every((ear) => ear.error.cause === refused)).toBe(true);
    server.always("connect", gate.ok);
  }));

test("F1 a connect that fails in a microtask beside one that hangs does not starve the event loop", () =>
  withScripted({ pool: { min: 2, max: 2, acquireTimeoutMillis: 500 } }, async (pool, server, listen) => {
    const hanging = gate.held();
    server.next("connect", hanging);
    server.always("connect", gate.err(refused));
    const starting = listen(pool.start());
    const ear = listen(pool.runQuery("select 1"));
    await sleep(200); // would never end
    expect(server.connects).toBeLessThanOrEqual(12); // 10 ms, 20 ms, …
    server.always("connect", gate.ok);
    hanging.err(refused);
    await eventually("answers", () => starting.fired + ear.fired, 2);
  }));

test("F1 refilling backs off from 10 ms, each time for twice as long, and needs nobody's help", () =>
  withScripted({ pool: { min: 2, max: 2 } }, async (pool, server, listen) => {
    server.always("connect", gate.err(refused));
    const starting = listen(pool.start());
    await sleep(700);
    expect(starting.error.cause).toBe(refused);
    const rounds = server.connects / 2;
    expect(rounds).toBeGreaterThanOrEqual(3); // it goes on trying …
    expect(rounds).toBeLessThanOrEqual(9); // … at 0, 5..10, 15..30, 35..70, …: nine times in 700 ms at the most
    server.always("connect", gate.ok);
    await eventually("size", () => pool.stats.size, 2);
    expect(pool.stats.connecting).toBe(0);
  }));

test("F1 at the server's limit those who wait go on waiting for a connection that returns", () =>
  withScripted({ pool: { max: 3, acquireTimeoutMillis: 5_000 } }, async (pool, server, listen) => {
    const running = gate.held();
    server.next("execute", running);
    const first = listen(pool.runQuery("update 1"));
    await running.entered;
    server.always("connect", gate.err(new Error("too many connections")));
    const second = listen(pool.runQuery("update 2"));
    await sleep(100);
    expect(second.fired).toBe(0);
    expect(server.connects).toBeLessThanOrEqual(2 * 6);
    running.ok();
    await eventually("answers", () => first.fired + second.fired, 2);
    expect(second.heard).toEqual([{ value: [{ session: 1 }] }]);
  }));

test("F1 what failed at the server's limit is the cause of a later PoolTimeout", () =>
  withScripted({ pool: { max: 3, acquireTimeoutMillis: 100 } }, async (pool, server, listen) => {
    const running = gate.held();
    server.next("execute", running);
    listen(pool.runQuery("update 1"));
    await running.entered;
    const full = new Error("too many connections");
    server.always("connect", gate.err(full));
    const second = listen(pool.runQuery("update 2"));
    await eventually("the timeout", () => second.fired, 1);
    expect(second.error).toBeInstanceOf(PoolTimeout);
    expect(second.error.message).toContain("The last attempt to connect failed");
    expect((second.error.cause as Error).cause).toBe(full);
    running.ok();
    server.always("connect", gate.ok);
  }));

test("F1 a failure that nobody waited for any more is not kept for the next taker", () =>
  withScripted({ pool: { max: 2 } }, async (pool, server, listen) => {
    const running = gate.held();
    const connecting = gate.held();
    server.next("connect", gate.ok, connecting);
    server.next("execute", running);
    const first = listen(pool.runQuery("update 1"));
    await running.entered;
    const second = listen(pool.runQuery("update 2"));
    await connecting.entered;
    running.ok(); // the connection goes from the first to the second, whose connect is still under way
    await eventually("answers", () => first.fired + second.fired, 2);
    await eventually("idle", () => pool.stats.idle, 1);
    await sleep(20);
    connecting.err(refused);
    for (const session of server.sessions) session.kill();
    await sleep(20);
    const third = listen(pool.runQuery("select 3"));
    await eventually("the third", () => third.fired, 1);
    expect(third.heard).toEqual([{ value: [{ session: 3 }] }]);
  }));

test("F1 a failure that nobody waited for does not end the refilling", () =>
  withScripted({ pool: { min: 2, max: 2 } }, async (pool, server, listen) => {
    const connecting = gate.held();
    server.next("connect", gate.ok, connecting);
    const first = listen(pool.runQuery("select 1"));
    await connecting.entered;
    await eventually("the first", () => first.fired, 1);
    await sleep(20);
    connecting.err(refused);
    await eventually("size", () => pool.stats.size, 2);
  }));
