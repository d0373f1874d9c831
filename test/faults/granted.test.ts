/** The moment in which work gets its connection: it is stopped then, or the connection dies, or work has just begun. */
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, ConnectionPool, PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import type { DriverConnection, Statement } from "../../drivers/driver.js";
import { eventually } from "../support/eventually.js";
import { gate, ScriptedServer, type Step } from "../support/scripted-driver.js";
import { quiet, withScripted } from "../support/with-scripted.js";

const TURNS = [0, 1, 2, 3, 4, 5, 6, 8, 12, 20];

async function microtasks(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await null;
}

test.each(["cancel", "signal"] as const)(
  "an interaction that is stopped by its %s right after its grant does not call its function",
  (how) =>
    withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
      await pool.runQuery("select 1");
      let called = 0;
      const controller = new AbortController();
      const interaction = pool.runInteraction({ signal: controller.signal }, (transaction) => {
        called++;
        return transaction.runQuery("select 2");
      });
      const ear = listen(interaction);
      expect(pool.stats.inUse).toBe(1); // granted
      if (how === "cancel") interaction.cancel();
      else controller.abort();
      await eventually("the answer", () => ear.fired, 1);
      await eventually("in use", () => pool.stats.inUse, 0);
      expect(ear.error).toBeInstanceOf(CancelledError);
      expect(ear.error.outcome).toBe("not sent");
      expect(called).toBe(0);
      expect(server.executed).toEqual(["select 1"]);
      expect(server.connects).toBe(1);
    }),
);

test.each(TURNS)(
  "a stream that is left %i microtasks after it was asked opens no cursor after that",
  async (turns) => {
    const server = new ScriptedServer();
    const opened: string[] = [];
    const connect: typeof server.driver.connect = async (args, options) => {
      const connection: DriverConnection = await server.driver.connect(args, options);
      return Object.assign(connection, {
        async *stream({ sql }: Statement) {
          opened.push(sql);
          yield [{ n: 1 }];
        },
      });
    };
    const pool = new ConnectionPool({ ...server.driver, connect }, [], { min: 0, max: 1, logger: quiet });
    await pool.runQuery("select 1");
    const stream = pool.runStream("select 2");
    const reading = stream.next();
    await microtasks(turns);
    const before = opened.length;
    await stream.return?.();
    await reading.catch(() => {});
    await eventually("in use", () => pool.stats.inUse, 0);
    expect(opened.length).toBe(before);
    await pool.close();
    expect(server.open).toBe(0);
  },
);

/** What an interaction does, and where it stands still in that. */
const STOPS: readonly (readonly [what: string, step: Step, skipped: number])[] = [
  ["BEGIN", "begin", 0],
  ["its statement", "execute", 0],
  ["a savepoint", "execute", 1],
  ["COMMIT", "commit", 0],
];

test.each(STOPS)(
  "a session that is at %s is busy: no caller is told that it runs nothing",
  (_what, step, skipped) =>
    withScripted({ pool: { max: 1, acquireTimeoutMillis: 60 } }, async (pool, server, listen) => {
      const held = gate.held();
      server.next(step, ...Array.from({ length: skipped }, () => gate.ok), held);
      const holder = pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1");
        await transaction.runInteraction((nested) => nested.runQuery("select 2"));
      });
      const ear = listen(holder);
      await held.entered;
      const error = await pool.runQuery("select 3").catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(PoolTimeout);
      expect((error as Error).message).not.toContain("runs nothing");
      expect((error as Error).message).toContain("All connections are in use");
      held.ok();
      await eventually("the answer", () => ear.fired, 1);
      expect(ear.heard).toEqual([{ value: undefined }]);
    }),
);

test("a session between its statements runs nothing", () =>
  withScripted({ pool: { max: 1, acquireTimeoutMillis: 60 } }, async (pool, _server, listen) => {
    let go = () => {};
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    const holder = listen(
      pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1");
        await waiting;
      }),
    );
    await sleep(10);
    const error = await pool.runQuery("select 3").catch((reason: unknown) => reason);
    expect((error as Error).message).toContain("runs nothing just now");
    go();
    await eventually("the answer", () => holder.fired, 1);
  }));

test("an interaction whose idle connection dies as it is granted runs again on another", () =>
  withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
    await pool.runQuery("select 1");
    const interaction = pool.runInteraction({ retries: 1 }, (transaction) =>
      transaction.runQuery("select 2"),
    );
    const ear = listen(interaction);
    expect(pool.stats.inUse).toBe(1); // granted
    for (const session of server.sessions) session.kill();
    await eventually("the answer", () => ear.fired, 1);
    expect(ear.heard).toEqual([{ value: [{ session: 2 }] }]);
    expect(server.executed).toEqual(["select 1", "select 2"]);
  }));

test.each(TURNS)(
  "an interaction whose connection dies %i microtasks after it has come loses nothing",
  (turns) =>
    withScripted({ pool: { max: 1 } }, async (pool, server, listen) => {
      const connecting = gate.held();
      server.next("connect", connecting);
      const work = (transaction: { runQuery(sql: string): PromiseLike<unknown> }) =>
        transaction.runQuery("select 1");
      const ear = listen(pool.runInteraction({ retries: 2 }, work));
      await connecting.entered;
      connecting.ok();
      await eventually("the session", () => server.open, 1);
      await microtasks(turns);
      for (const session of server.sessions) session.kill();
      await eventually("the answer", () => ear.fired, 1);
      expect(ear.heard).toEqual([{ value: [{ session: expect.any(Number) }] }]);
      await eventually("in use", () => pool.stats.inUse, 0);
      expect(server.most).toBe(1);
    }),
);
