/** F22: `close()` of a pool that is idle, busy, stuck, waiting, connecting. */
import { InterfaceError, OperationalError, PoolClosed } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

test("F22 what is queued and what runs is finished first", () =>
  withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
    const running = gate.held();
    server.next("execute", running);
    const ears = [
      listen(pool.runQuery("update 1")),
      listen(pool.runInteraction((t) => t.runQuery("update 2"))),
    ];
    await running.entered;
    const closing = listen(pool.close());
    const refused = listen(pool.runQuery("update 3"));
    expect(refused.error).toBeInstanceOf(PoolClosed);
    expect(closing.fired).toBe(0);
    running.ok();
    await eventually("closed", () => closing.fired, 1);
    expect(ears.map((ear) => ear.fired)).toEqual([1, 1]);
    expect(server.executed).toEqual(["update 1", "update 2"]);
  }));

test("F22 asked twice, at once and later, it gives the same answer; also when nothing was ever opened", () =>
  withScripted({}, async (pool, server) => {
    expect(await Promise.all([pool.close(), pool.close()])).toEqual([undefined, undefined]);
    await pool.close();
    await expect(pool.runQuery("select 1").toPromise()).rejects.toBeInstanceOf(PoolClosed);
    await expect(pool.start().toPromise()).rejects.toBeInstanceOf(PoolClosed);
    expect(server.connects).toBe(0);
  }));

test("F22 past timeoutMillis those waiting get PoolClosed and what runs is cancelled", () =>
  withScripted({ cancel: true, pool: { max: 1 } }, async (pool, server, listen) => {
    server.next("execute", gate.never);
    const running = listen(pool.runQuery("update 1"));
    const waiting = [
      listen(pool.runQuery("select 2")),
      listen(pool.runInteraction((t) => t.runQuery("select 3"))),
    ];
    await eventually("running", () => server.executed.length, 1);
    const closing = listen(pool.close({ timeoutMillis: 50 }));
    await eventually("closed", () => closing.fired, 1);
    expect(closing.heard).toEqual([{ value: undefined }]);
    expect(running.error.name).toBe("CancelledError");
    expect(running.error.cause).toBeInstanceOf(PoolClosed);
    expect(waiting[0]?.error).toBeInstanceOf(PoolClosed);
    expect(waiting[1]?.error).toBeInstanceOf(PoolClosed);
    expect(server.executed).toEqual(["update 1"]);
  }));

test("F22 an interaction whose function never ends is rolled back by force", () =>
  withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
    const ear = listen(
      pool.runInteraction(async (t) => {
        await t.runQuery("update 1");
        await new Promise(() => {});
      }),
    );
    await eventually("running", () => server.executed.length, 1);
    const closing = listen(pool.close({ timeoutMillis: 50 }));
    await eventually("closed", () => closing.fired, 1);
    expect(ear.error.outcome).toBe("not applied");
  }));

test("F22 a server that no longer answers: everything is destroyed in the end", () =>
  withScripted({ pool: { max: 2 } }, async (pool, server, listen) => {
    await pool.runQuery("select 1");
    for (const step of ["execute", "rollback", "close"] as const) server.always(step, gate.never);
    const ears = [
      listen(pool.runQuery("update 1")),
      listen(pool.runInteraction((t) => t.runQuery("update 2"))),
    ];
    await eventually("running", () => server.executed.length, 3);
    const closing = listen(pool.close({ timeoutMillis: 50 }));
    await eventually("closed", () => closing.fired, 1, 20_000);
    expect(ears.every((ear) => ear.error.name === "CancelledError")).toBe(true);
  }));

test("F22 a goodbye that fails is logged, and no harm", () => {
  const errors: string[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (message: string) => void errors.push(message) };
  return withScripted({ pool: { logger } }, async (pool, server) => {
    await pool.runQuery("select 1");
    server.next("close", gate.err(new Error("no goodbye")));
    await pool.close();
    expect(errors.join()).toContain("no goodbye");
  });
});

test("F22 while connecting, the attempt is ended and its waiters hear so at the deadline", () =>
  withScripted({}, async (pool, server, listen) => {
    server.always("connect", gate.never);
    const ear = listen(pool.runQuery("select 1"));
    const closing = listen(pool.close({ timeoutMillis: 50 }));
    await eventually("closed", () => closing.fired, 1, 2_000);
    expect(ear.error).toBeInstanceOf(PoolClosed);
  }));

test("F22 while openfun runs", () =>
  withScripted({ pool: { min: 1, openfun: () => new Promise(() => {}) } }, async (pool, server, listen) => {
    const starting = listen(pool.start());
    await eventually("a session", () => server.open, 1);
    const closing = listen(pool.close());
    await eventually("closed", () => closing.fired, 1, 2_000);
    expect(starting.error).toBeInstanceOf(PoolClosed);
  }));

test("F22 while a probe is under way", () =>
  withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
    await pool.runQuery("select 1");
    await new Promise((resolve) => setTimeout(resolve, 550));
    const probe = gate.held();
    server.next("ping", probe);
    const ear = listen(pool.runQuery("select 2"));
    await probe.entered;
    const closing = listen(pool.close());
    probe.ok();
    await eventually("closed", () => closing.fired, 1, 2_000);
    expect(ear.heard).toEqual([{ value: [{ session: 1 }] }]);
  }));

test("F22 inside of an interaction it does not wait for itself", () =>
  withScripted({}, async (pool, _server, listen) => {
    const ear = listen(
      pool.runInteraction(async (t) => {
        await pool.close();
        return t.runQuery("select 1");
      }),
    );
    await eventually("the interaction", () => ear.fired, 1);
    expect(ear.heard).toEqual([{ value: [{ session: 1 }] }]);
    await pool.close();
  }));

test("F22 a connect that fails while it closes disturbs nobody", () =>
  withScripted({}, async (pool, server, listen) => {
    const connecting = gate.held();
    server.next("connect", connecting);
    const ear = listen(pool.runQuery("select 1"));
    await connecting.entered;
    const closing = listen(pool.close());
    connecting.err(new Error("down"));
    await eventually("closed", () => closing.fired, 1);
    expect(ear.error).toBeInstanceOf(OperationalError);
  }));

test("F22 a close option that cannot be right is refused, and the pool stays open; Infinity waits for as long as it takes", () =>
  withScripted({}, async (pool, server, listen) => {
    for (const bad of [null, 5, { timeoutMillis: -1 }, { timeoutMillis: "5" }, { timeout: 5 }]) {
      await expect(pool.close(bad as object).toPromise()).rejects.toBeInstanceOf(InterfaceError);
    }
    expect(pool.closed).toBe(false);
    const running = gate.held();
    server.next("execute", running);
    const ear = listen(pool.runQuery("select 1"));
    await running.entered;
    const closing = listen(pool.close({ timeoutMillis: Number.POSITIVE_INFINITY }));
    setTimeout(running.ok, 20);
    await eventually("closed", () => closing.fired, 1);
    expect(ear.heard[0]?.error).toBeUndefined();
  }));

test.each([0, 1, 2, 3, 4, 5, 6, 8, 12, 20])(
  "F22 a connection that is there %i turns before the close is not left behind",
  (turns) =>
    withScripted({ pool: { min: 1, max: 1 } }, async (pool, server) => {
      const connecting = gate.held();
      server.next("connect", connecting);
      const starting = pool.start().then(undefined, () => {});
      await connecting.entered;
      connecting.ok();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await pool.close();
      await starting;
      expect(server.open).toBe(0);
    }),
);

test("F22 past timeoutMillis no goodbye is waited for either", () =>
  withScripted({ pool: { min: 2, max: 2 } }, async (pool, server) => {
    await pool.start();
    server.always("close", gate.never);
    let closed = false;
    const closing = pool.close({ timeoutMillis: 50 }).then(() => {
      closed = true;
    });
    await eventually("closed", () => closed, true, 4_000); // a goodbye has 5 s otherwise
    await closing;
    expect(server.open).toBe(0);
  }));

test("F22 closed while more ask for connections than are being opened: no further one begins", () =>
  withScripted({ pool: { min: 4, max: 4 } }, async (pool, server, listen) => {
    server.always("connect", gate.never);
    listen(pool.start());
    for (let n = 0; n < 4; n++) listen(pool.runQuery(`select ${n}`));
    await eventually("connecting", () => pool.stats.connecting, 4);
    await pool.close({ timeoutMillis: 1 });
    expect(pool.stats.connecting).toBe(0);
    expect(server.connects).toBe(4);
  }));
