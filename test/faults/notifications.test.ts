/** Notifications: listened to through a pool, on one session that is lost and opened again. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  ConnectionPool,
  InterfaceError,
  type Notification,
  NotSupportedError,
  OperationalError,
  PoolClosed,
  type Subscription,
} from "adbapi";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.js";
import { ownServer } from "../support/servers.js";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

const LISTENING =
  "select pid, query from pg_stat_activity where datname = current_database() and query ~ '^LISTEN'";

const next = async (subscription: Subscription): Promise<Notification | undefined> =>
  (await subscription.next()).value;

describeEach(
  TARGETS.filter(({ server }) => server === "postgres"),
  (target) => {
    const notify = (pool: ConnectionPool, channel: string, payload: string) =>
      pool.runQuery("select pg_notify($1, $2)", [channel, payload]);

    test("notifications come in order, with payload and sender, whatever the channel is called", () =>
      withPool(target, { max: 1 }, async (pool) => {
        for (const channel of ["jobs", 'a "quoted"; name', "ÄÖ 𝒳", "Case"]) {
          const listening = pool.listen(channel);
          await listening.listening;
          const [{ pid }] = (await pool.runQuery("select pg_backend_pid() as pid")) as [{ pid: number }];
          await notify(pool, channel, "one");
          await notify(pool, channel, "");
          expect(await next(listening)).toEqual({ channel, payload: "one", processId: pid });
          expect(await next(listening)).toEqual({ channel, payload: "", processId: pid });
          await listening.return();
          expect(await listening.next()).toEqual({ done: true, value: undefined });
        }
      }));

    test("all channels share one session beside max, which is closed with the last", () =>
      withPool(target, { min: 0, max: 1 }, async (pool, database) => {
        const readers = ["a", "b", "b"].map((channel) => pool.listen(channel));
        await Promise.all(readers.map(({ listening }) => listening));
        expect(await database.observe(LISTENING)).toHaveLength(1);
        await notify(pool, "b", "x");
        expect(await next(readers[1]!)).toMatchObject({ payload: "x" });
        expect(await next(readers[2]!)).toMatchObject({ payload: "x" });
        await readers[1]!.return();
        await notify(pool, "b", "y");
        expect(await next(readers[2]!)).toMatchObject({ payload: "y" });
        await readers[0]!.return();
        await readers[2]!.return();
        await eventually(
          "closed",
          async () =>
            (
              await database.observe(
                "select pid from pg_stat_activity where datname = current_database() and query ~ 'LISTEN'",
              )
            ).length,
          1,
        );
      }));

    test("F35 after a loss it listens again, and each reader gets a gap", () =>
      withPool(target, { max: 1 }, async (pool, database) => {
        const readers = ["a", "b"].map((channel) => pool.listen(channel));
        await Promise.all(readers.map(({ listening }) => listening));
        for (let round = 0; round < 3; round++) {
          const [session] = await database.observe(
            "select pid from pg_stat_activity where datname = current_database() and query ~ '^LISTEN'",
          );
          await database.killSession(session!.pid);
          for (const reader of readers)
            expect(await next(reader)).toEqual({ channel: reader.channel, gap: true });
          await notify(pool, "a", `round ${round}`);
          expect(await next(readers[0]!)).toMatchObject({ payload: `round ${round}` });
        }
        await Promise.all(readers.map((reader) => reader.return()));
      }));

    test("F35 a slow reader has so many, in order, and a gap in the place of what was dropped", () =>
      withPool(target, { max: 1 }, async (pool) => {
        const slow = pool.listen("a", { maxQueued: 3 });
        const all = pool.listen("a");
        await Promise.all([slow.listening, all.listening]);
        for (const n of [1, 2, 3, 4, 5]) await notify(pool, "a", String(n));
        for (const n of [1, 2, 3, 4, 5]) expect(await next(all)).toMatchObject({ payload: String(n) });
        for (const n of [1, 2, 3]) expect(await next(slow)).toMatchObject({ payload: String(n) });
        expect(await next(slow)).toEqual({ channel: "a", gap: true });
        await notify(pool, "a", "6");
        expect(await next(slow)).toMatchObject({ payload: "6" });
        await slow.return();
        await all.return();
      }));

    test("for await ends by break, by its signal, and by close", () =>
      withPool(target, { max: 1 }, async (pool) => {
        const first = pool.listen("a");
        await first.listening;
        await notify(pool, "a", "x");
        for await (const notification of first) {
          expect(notification).toMatchObject({ payload: "x" });
          break;
        }
        const stop = new AbortController();
        const stopped = pool.listen("a", { signal: stop.signal });
        await stopped.listening;
        const end = stopped.next();
        stop.abort();
        expect(await end).toEqual({ done: true, value: undefined });
        expect(await pool.listen("a", { signal: AbortSignal.abort() }).next()).toMatchObject({ done: true });
        const last = pool.listen("a");
        await last.listening;
        await notify(pool, "a", "unread");
        await sleep(50);
        const seen: Notification[] = [];
        const reading = (async () => {
          for await (const notification of last) seen.push(notification);
        })();
        await pool.close();
        await reading;
        expect(seen).toMatchObject([{ payload: "unread" }]);
        await expect(pool.listen("a").next()).rejects.toBeInstanceOf(PoolClosed);
      }));

    test("B47 a name that is none is refused, and harms no other channel", () =>
      withPool(target, { max: 1 }, async (pool) => {
        const good = pool.listen("good");
        await good.listening;
        for (const wrong of ["", "a\0b", "\ud800", "ä".repeat(32), 7 as never, undefined as never]) {
          await expect(pool.listen(wrong).next()).rejects.toBeInstanceOf(InterfaceError);
        }
        await expect(pool.listen("a", { max: 1 } as never).next()).rejects.toThrow(/listen option/);
        await expect(pool.listen("a", { maxQueued: 0 }).next()).rejects.toBeInstanceOf(InterfaceError);
        const longest = pool.listen("ä".repeat(31));
        await longest.listening;
        await notify(pool, "good", "still");
        expect(await next(good)).toMatchObject({ payload: "still" });
        await good.return();
        await longest.return();
      }));
  },
);

test("what cannot be connected to is told at once", async () => {
  const pool = new ConnectionPool("pg", "postgres://nobody@127.0.0.1:1/none");
  const listening = pool.listen("a");
  await expect(listening.listening).rejects.toBeInstanceOf(OperationalError);
  await expect(listening.next()).rejects.toThrow(/ECONNREFUSED/);
  expect(await listening.next()).toMatchObject({ done: true });
  await pool.close();
});

describeEach(
  TARGETS.filter(({ server }) => server !== "postgres"),
  (target) => {
    test("B47 a database without notifications says so", () =>
      withPool(target, { max: 1 }, async (pool) => {
        const listening = pool.listen("a");
        await expect(listening.next()).rejects.toBeInstanceOf(NotSupportedError);
        await expect(listening.listening).rejects.toThrow(/has no notifications/);
      }));
  },
);

describe.runIf(TARGETS.some(({ server }) => server === "postgres"))("servers of its own", () => {
  test("F35 a server that is gone for a while is listened to again", async () => {
    await using server = await ownServer("postgres");
    const pool = new ConnectionPool("pg", server.url, { logger: silent });
    const listening = pool.listen("a");
    await listening.listening;
    await server.kill();
    await expect(pool.runQuery("select 1")).rejects.toThrow();
    const gap = next(listening);
    await server.start();
    expect(await gap).toEqual({ channel: "a", gap: true });
    await pool.runQuery("select pg_notify('a', 'back')");
    expect(await next(listening)).toMatchObject({ payload: "back" });
    await pool.close();
  });

  test.runIf(hasPgBouncer)("B47 behind a pooler it says that it cannot", async () => {
    await using server = await ownServer("postgres");
    await using pooler = await startPgBouncer(server.url, {});
    const pool = new ConnectionPool("pg", pooler.through(server.url));
    const listening = pool.listen("a");
    await expect(listening.next()).rejects.toBeInstanceOf(NotSupportedError);
    await expect(listening.listening).rejects.toThrow(/pooler/);
    expect(await pool.runQuery("select 1 as n")).toEqual([{ n: 1 }]);
    await pool.close();
  });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };
