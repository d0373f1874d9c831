/** F2: a server that accepts and then says nothing. */
import { OperationalError } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

test("F2 those who wait for a silent server hear so, a little before their own deadline", () =>
  withScripted({ pool: { min: 2, max: 3, acquireTimeoutMillis: 2_000 } }, async (pool, server, listen) => {
    server.always("connect", gate.never);
    const ears = Array.from({ length: 5 }, (_, n) => listen(pool.runQuery(`select ${n}`)));
    await eventually("answers", () => ears.filter((ear) => ear.fired).length, 5);
    for (const { error } of ears) {
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.message).toContain("does not answer");
    }
    server.always("connect", gate.ok);
  }));

test("F2 who comes when the server is back does not wait for the connects that hang", () =>
  withScripted({ pool: { min: 1, max: 3, acquireTimeoutMillis: 20_000 } }, async (pool, server, listen) => {
    server.next("connect", gate.err(), gate.never);
    const starting = listen(pool.start());
    await eventually("the hanging one", () => server.connects, 2);
    expect(starting.fired).toBe(1);
    const ear = listen(pool.runQuery("select 1"));
    await eventually("the answer", () => ear.fired, 1, 3_000);
    expect(ear.heard).toEqual([{ value: [{ session: 3 }] }]);
  }));

test("F2 a connect that nobody waits for any more does not hold close() back", () =>
  withScripted({ pool: { acquireTimeoutMillis: 20_000 } }, async (pool, server, listen) => {
    server.always("connect", gate.never);
    const waiting = pool.runQuery("select 1");
    const ear = listen(waiting);
    await eventually("connecting", () => pool.stats.connecting, 1);
    waiting.cancel();
    const closing = listen(pool.close());
    await eventually("closed", () => closing.fired, 1, 1_000);
    expect(ear.error.outcome).toBe("not sent");
  }));

test("F2 a driver that opens after its time was over has the session destroyed", () =>
  withScripted({ pool: { acquireTimeoutMillis: 100 } }, async (pool, server, listen) => {
    const late = gate.held();
    const { driver } = server;
    const connect = driver.connect;
    // A driver that does not hear the signal.
    Object.assign(driver, {
      connect: (args: readonly unknown[], options: Parameters<typeof connect>[1]) =>
        connect(args, { ...options, signal: new AbortController().signal }),
    });
    server.next("connect", late);
    const ear = listen(pool.runQuery("select 1"));
    await eventually("the failure", () => ear.fired, 1);
    late.ok();
    await eventually("sessions", () => server.open, 0);
    expect(pool.stats.size).toBe(0);
  }));
