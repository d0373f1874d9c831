/**
 * F9, F25: what may stand on a connection with others, rule by rule: docs/decisions/0004 says which test fails without
 * which rule.
 */
import type { ConnectionPool } from "adbapi";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { gate, type ScriptedServer } from "../support/scripted-driver.js";
import { withScripted } from "../support/with-scripted.js";

// The pool's clock stands still: every run is a quick one, however busy the machine is.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** All of them are known as fast from now on. */
async function know(pool: ConnectionPool, ...texts: readonly string[]): Promise<void> {
  for (const sql of texts) for (let n = 0; n < 2; n++) await pool.runQuery(sql);
}

/** A select that is known as fast, and stays at the head of its connection until it is let go. */
async function head(pool: ConnectionPool, server: ScriptedServer) {
  const running = gate.held();
  server.next("execute", running);
  const deferred = pool.runQuery("select head");
  await running.entered;
  return { deferred, running };
}

test("F25 nothing waits behind a text before it has run twice", () =>
  withScripted({ pipeline: 8, pool: { max: 1 } }, async (pool, server) => {
    await know(pool, "select known");
    const waitingBehind = async (sql: string) => {
      const running = gate.held();
      server.next("execute", running);
      const first = pool.runQuery(sql);
      await running.entered;
      const behind = pool.runQuery("select known");
      const { waiting } = pool.stats;
      running.ok();
      await Promise.all([first, behind]);
      return waiting;
    };
    for (const runs of [0, 1])
      expect({ runs, waiting: await waitingBehind("select new") }).toEqual({ runs, waiting: 1 });
    expect(await waitingBehind("select new")).toBe(0);
  }));

test("F25 more go ahead on one connection of a long queue only, and never more than its driver takes", () =>
  withScripted({ pipeline: 256, pool: { max: 1 } }, async (pool, server) => {
    await know(pool, "select head", "select known");
    for (const [asked, deepest] of [
      [500, 64],
      [4_000, 256],
    ] as const) {
      const { deferred, running } = await head(pool, server);
      // One that fails for all of them, should the test end here.
      const all = Promise.all(Array.from({ length: asked }, () => pool.runQuery("select known")));
      expect(server.deepest).toBe(deepest);
      running.ok();
      await Promise.all([deferred, all]);
    }
  }));

test("F25 readers do not wait behind each other because writers wait", () =>
  withScripted({ pipeline: 8, singleWriter: true, pool: { min: 3, max: 3 } }, async (pool, server) => {
    await pool.start();
    // It calls something: nobody sends it once more elsewhere.
    await know(pool, "select head", "select known()");
    const writing = gate.held();
    server.next("execute", writing);
    const writes = Array.from({ length: 50 }, () => pool.runQuery("update 1"));
    await writing.entered;
    const reading = gate.held();
    server.next("execute", reading);
    const first = pool.runQuery("select head");
    await reading.entered;
    // The third connection is idle.
    expect(await pool.runQuery("select known()", [], { timeoutMillis: 5_000 })).toHaveLength(1);
    expect(first.called).toBe(false);
    reading.ok();
    writing.ok();
    await Promise.all([first, ...writes]);
  }));

test("F25 a write waits behind nobody", () =>
  withScripted({ pipeline: 8, pool: { max: 1 } }, async (pool, server) => {
    await know(pool, "select head", "update 1");
    const { deferred, running } = await head(pool, server);
    const write = pool.runQuery("update 1");
    expect(pool.stats.waiting).toBe(1);
    running.ok();
    await Promise.all([deferred, write]);
  }));

test("F25 nobody waits behind others for whom a connection is on its way", () =>
  withScripted({ pipeline: 8, pool: { max: 2 } }, async (pool, server, listen) => {
    await know(pool, "select head", "select known");
    const { deferred, running } = await head(pool, server);
    const opening = gate.held();
    server.next("connect", opening);
    const interaction = pool.runInteraction(() => {});
    const ear = listen(interaction);
    await opening.entered;
    interaction.cancel();
    expect(ear.error.name).toBe("CancelledError");
    const other = pool.runQuery("select known");
    expect(pool.stats.waiting).toBe(1);
    opening.ok();
    expect(await other).toEqual([{ session: 2 }]);
    running.ok();
    await deferred;
  }));

test("F25 nobody waits behind others while a connection is idle", () =>
  withScripted({ pipeline: 8, pool: { min: 2, max: 2 } }, async (pool, server) => {
    await pool.start();
    await know(pool, "select head", "select known");
    const { deferred, running } = await head(pool, server);
    server.executed.length = 0;
    await pool.runQuery("select known");
    running.ok();
    await deferred;
    await pool.runQuery("update 1");
    // One that was stuck behind the head would have been sent twice.
    expect(server.executed).toEqual(["select known", "update 1"]);
  }));

test("F9 while a cancel is under way nothing more comes within its reach", () =>
  withScripted({ pipeline: 8, cancel: true, pool: { max: 1 } }, async (pool, server, listen) => {
    await know(pool, "select head", "select known");
    const { deferred, running } = await head(pool, server);
    const given = pool.runQuery("select known");
    const ear = listen(given);
    expect(pool.stats.waiting).toBe(0);
    given.cancel();
    expect(ear.error.name).toBe("CancelledError");
    const later = pool.runQuery("select known");
    expect(pool.stats.waiting).toBe(1);
    running.ok();
    await Promise.all([deferred, later]);
  }));

test("F9 a neighbour that was hit by the cancel is sent again", () =>
  withScripted({ pipeline: 8, cancel: true, pool: { max: 1 } }, async (pool, server, listen) => {
    await know(pool, "select head", "select known");
    const { deferred } = await head(pool, server);
    const ear = listen(deferred);
    const neighbour = pool.runQuery("select known");
    expect(pool.stats.waiting).toBe(0);
    server.next("execute", gate.hit);
    deferred.cancel();
    expect(ear.error.name).toBe("CancelledError");
    const before = server.executed.length;
    expect(await neighbour).toEqual([{ session: 1 }]);
    expect(server.executed.slice(before)).toEqual(["select known", "select known"]);
  }));

test("F9 and so is one whose text has become slow since it was sent", () =>
  withScripted({ pipeline: 8, cancel: true, pool: { max: 1 } }, async (pool, server, listen) => {
    await know(pool, "select known");
    const [slow, cancelled] = [gate.held(), gate.held()];
    for (const fate of [slow, cancelled, gate.hit]) server.next("execute", fate);
    const [first, second, neighbour] = Array.from({ length: 3 }, () => pool.runQuery("select known"));
    expect(pool.stats.waiting).toBe(0);
    await slow.entered;
    vi.advanceTimersByTime(60);
    slow.ok();
    await first;
    await cancelled.entered;
    const ear = listen(second!);
    second!.cancel();
    expect(ear.error.name).toBe("CancelledError");
    expect(await neighbour).toEqual([{ session: 1 }]);
  }));
