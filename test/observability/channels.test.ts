/** The tracing channels: which events, in which order, in whose async context, and never a param. */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Channel, channel, tracingChannel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import {
  ConnectionPool,
  type ConnectTrace,
  type InteractionTrace,
  OperationalError,
  PoolTimeout,
  ProgrammingError,
  type ReleaseTrace,
  type StatementTrace,
} from "adbapi";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

type Kind = "statement" | "interaction" | "acquire" | "connect";
type Event = "start" | "end" | "asyncStart" | "asyncEnd" | "error";
type AnyTrace = Partial<StatementTrace & InteractionTrace & ConnectTrace>;

interface Heard {
  readonly event: string;
  readonly trace: AnyTrace;
}

const EVENTS: readonly Event[] = ["start", "end", "asyncStart", "asyncEnd", "error"];
const FAILED = ["start", "end", "error", "asyncStart", "asyncEnd"];
const DONE = FAILED.filter((event) => event !== "error");

/** All that is heard on these channels until the test ends. */
function listen(...kinds: readonly Kind[]): Heard[] {
  const heard: Heard[] = [];
  for (const kind of kinds) {
    for (const event of EVENTS) {
      const source = channel(`tracing:adbapi:${kind}:${event}`);
      const listener = (trace: unknown) =>
        void heard.push({ event: `${kind}:${event}`, trace: trace as AnyTrace });
      source.subscribe(listener);
      onTestFinished(() => void source.unsubscribe(listener));
    }
  }
  return heard;
}

const of = (heard: readonly Heard[], trace: AnyTrace | undefined) =>
  heard.filter((each) => each.trace === trace).map(({ event }) => event.split(":")[1]);
const events = (heard: readonly Heard[]) => heard.map(({ event }) => event);
const started = (heard: readonly Heard[], kind: Kind) =>
  heard.filter(({ event }) => event === `${kind}:start`).map(({ trace }) => trace);

const logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A store that a listener does not know of: what callers keep their requests in. */
const request = new AsyncLocalStorage<string>();

describeEach(TARGETS, (target) => {
  const twice = target.sql("select ? as a");

  test("a statement: start, end, asyncStart, asyncEnd, all with one object", () =>
    withPool(target, { name: "orders" }, async (pool) => {
      const heard = listen("statement");
      await pool.runQuery("select 1 as a");
      const [trace] = started(heard, "statement");
      expect(of(heard, trace)).toEqual(DONE);
      expect(heard).toHaveLength(4);
      expect(trace).toMatchObject({
        pool: "orders",
        driver: target.name,
        sql: "select 1 as a",
        parameterized: false,
        inTransaction: false,
      });
      expect(trace?.source).toBe(pool);
      expect(trace?.waitedMillis).toBeGreaterThanOrEqual(0);
    }));

  test("an answer is told before the caller hears of it", () =>
    withPool(target, {}, async (pool) => {
      const heard = listen("statement");
      let seen: string[] = [];
      await pool.runQuery("select 1 as a").addCallback(() => {
        seen = events(heard);
      });
      expect(seen).toEqual(DONE.map((event) => `statement:${event}`));
    }));

  test("an error: told with the error that the caller gets", () =>
    withPool(target, {}, async (pool) => {
      const heard = listen("statement");
      const error = await pool
        .runQuery("select * from nowhere")
        .toPromise()
        .catch((reason) => reason);
      expect(error).toBeInstanceOf(ProgrammingError);
      const [trace] = started(heard, "statement");
      expect(of(heard, trace)).toEqual(FAILED);
      expect(trace?.error).toBe(error);
    }));

  test("an interaction, the wait for its connection and its statements", () =>
    withPool(target, { min: 1, max: 1 }, async (pool) => {
      await pool.start();
      const heard = listen("interaction", "acquire", "statement");
      await pool.runInteraction(async (transaction) => {
        await transaction.runQuery("select 1 as a");
        await transaction.execute(twice, [2]);
      });
      const [interaction] = started(heard, "interaction");
      const [acquire] = started(heard, "acquire");
      const statements = started(heard, "statement");
      for (const trace of [interaction, acquire, ...statements]) expect(of(heard, trace)).toEqual(DONE);
      expect(interaction?.verb).toBe("runInteraction");
      expect(
        statements.map(({ sql, inTransaction, parameterized }) => [sql, inTransaction, parameterized]),
      ).toEqual([
        ["select 1 as a", true, false],
        [twice, true, true],
      ]);
      expect(events(heard)[0]).toBe("interaction:start");
      expect(events(heard).at(-1)).toBe("interaction:asyncEnd");
    }));

  test("a failed interaction, and runWithConnection", () =>
    withPool(target, {}, async (pool) => {
      const heard = listen("interaction");
      const reason = new Error("of the function");
      const failed = pool.runWithConnection(() => {
        throw reason;
      });
      await expect(failed).rejects.toBe(reason);
      const [trace] = started(heard, "interaction");
      expect(of(heard, trace)).toEqual(FAILED);
      expect(trace).toMatchObject({ verb: "runWithConnection", error: reason });
    }));

  test("a listener can call the function in a context of its own, at each attempt", () =>
    withPool(target, {}, async (pool) => {
      const own = new AsyncLocalStorage<string>();
      const starts = tracingChannel<string, InteractionTrace>("adbapi:interaction").start;
      const listener = (message: unknown) => {
        (message as InteractionTrace).around = (call) => own.run("the listener's", call);
      };
      starts.subscribe(listener);
      onTestFinished(() => void starts.unsubscribe(listener));
      const inside = await request.run("the caller's", () =>
        pool.runInteraction(async (transaction) => {
          await transaction.runQuery("select 1 as a");
          return [own.getStore(), request.getStore()];
        }),
      );
      expect(inside).toEqual(["the listener's", "the caller's"]);
    }));

  test("a stream is one statement, from its first row to its end", () =>
    withPool(target, {}, async (pool) => {
      const heard = listen("statement", "acquire");
      for await (const row of pool.runStream(twice, [1])) expect(row).toBeDefined();
      for await (const _ of pool.runStream("select 1 as a union all select 2")) break;
      await expect(pool.runStream("select * from nowhere").next()).rejects.toThrow(ProgrammingError);
      const statements = started(heard, "statement");
      expect(statements.map((trace) => of(heard, trace))).toEqual([DONE, DONE, FAILED]);
      expect(statements.map(({ parameterized }) => parameterized)).toEqual([true, false, false]);
      expect(started(heard, "acquire")).toHaveLength(3);
    }));

  test("many params are one statement", () =>
    withPool(target, {}, async (pool) => {
      await pool.runOperation(`create table t (a ${target.types.text})`);
      const heard = listen("statement");
      await pool.runInteraction((transaction) =>
        transaction.executeMany(target.sql("insert into t values (?)"), [["x"], ["y"], ["z"]]),
      );
      const [trace, ...more] = started(heard, "statement");
      expect(more).toEqual([]);
      expect(trace).toMatchObject({ batchSize: 3, parameterized: true, inTransaction: true });
      expect(of(heard, trace)).toEqual(DONE);
    }));

  test("connections: each that is opened", () =>
    withPool(target, { min: 1, max: 1 }, async (pool) => {
      const heard = listen("connect");
      await pool.start();
      const [trace] = started(heard, "connect");
      expect(of(heard, trace)).toEqual(DONE);
      expect(trace).toMatchObject({ driver: target.name, source: pool });
    }));

  test("connections: each that could not be opened, with the error", async () => {
    const nowhere = target.server === undefined ? "no/such/folder/file.db" : { host: "127.0.0.1", port: 1 };
    await using pool = new ConnectionPool<string>(target.name, nowhere, { min: 0, max: 1, logger });
    const heard = listen("connect");
    const error = (await pool.runQuery("select 1 as a").catch((reason) => reason)) as Error;
    expect(error).toBeInstanceOf(OperationalError);
    const [trace] = started(heard, "connect");
    expect(of(heard, trace)).toEqual(FAILED);
    expect(trace).toMatchObject({ driver: target.name, source: pool });
    expect(trace?.error).toMatchObject({ name: error.name, message: error.message });
  });

  test("a wait without end is an error of its statement", () =>
    withPool(target, { min: 1, max: 1, acquireTimeoutMillis: 3_000 }, async (pool) => {
      await pool.start();
      const heard = listen("statement", "acquire");
      await pool.runInteraction(async () => {
        await expect(pool.runQuery("select 2 as b")).rejects.toThrow(PoolTimeout);
      });
      const [trace] = started(heard, "statement");
      expect(of(heard, trace)).toEqual(FAILED);
      expect(trace?.error).toBeInstanceOf(PoolTimeout);
      expect(trace?.waitedMillis).toBeUndefined();
    }));

  test("connections that go back: once for each use", () =>
    withPool(target, { min: 1, max: 1 }, async (pool) => {
      await pool.start();
      const heard: ReleaseTrace[] = [];
      const releases: Channel = channel("adbapi:release");
      const listener = (message: unknown) => void heard.push(message as ReleaseTrace);
      releases.subscribe(listener);
      onTestFinished(() => void releases.unsubscribe(listener));
      await pool.runInteraction((transaction) => transaction.runQuery("select 1 as a"));
      await new Promise((done) => setImmediate(done));
      await new Promise((done) => setImmediate(done));
      expect(heard).toHaveLength(1);
      await pool.runQuery("select 1 as a");
      await new Promise((done) => setImmediate(done));
      await new Promise((done) => setImmediate(done));
      expect(heard).toHaveLength(2);
      for (const { heldMillis, source } of heard) {
        expect(heldMillis).toBeGreaterThan(0);
        expect(source).toBe(pool);
      }
    }));

  test("no event shows a param, nor the password", () =>
    withPool(target, {}, async (pool) => {
      await pool.runOperation(`create table t (a ${target.types.text} ${target.server ? "" : "not null"})`);
      const heard = listen("statement", "interaction", "acquire", "connect");
      const secret = "s3cr3t-value";
      const insert = target.sql("insert into t values (?)");
      await pool.runOperation(insert, [secret]);
      await pool.runInteraction((transaction) => transaction.executeMany(insert, [[secret], [secret]]));
      for await (const _ of pool.runStream(target.sql("select a from t where a = ?"), [secret]));
      await expect(
        pool.runQuery(target.sql("select * from nowhere where a = ?"), [secret]),
      ).rejects.toThrow();
      expect(heard.length).toBeGreaterThan(20);
      const shown = heard.map(({ trace }) => inspect(trace, { depth: 10, showHidden: false })).join("\n");
      expect(shown).not.toContain(secret);
      expect(Object.keys(started(heard, "statement")[0] ?? {})).not.toContain("params");
    }));

  describe("async context", () => {
    test("callbacks see their caller's store, whoever's answer set them off", () =>
      withPool(target, { min: 1, max: 1 }, async (pool) => {
        await pool.runQuery(twice, [0]);
        await pool.runQuery(twice, [0]);
        const one = async (name: string) => {
          const seen: unknown[] = [];
          await request.run(name, () =>
            pool
              .runQuery(twice, [1])
              .addCallback(() => void seen.push(request.getStore()))
              .addCallback(async () => void seen.push(request.getStore())),
          );
          return seen;
        };
        const names = Array.from({ length: 20 }, (_, n) => `caller ${n}`);
        expect(await Promise.all(names.map(one))).toEqual(names.map((name) => [name, name]));
      }));

    test("errbacks and interactions, across the queue", () =>
      withPool(target, { min: 1, max: 1 }, async (pool) => {
        const errback = (name: string) =>
          request.run(name, () =>
            pool.runQuery("select * from nowhere").addErrback(() => request.getStore()),
          );
        const interaction = (name: string) =>
          request.run(name, () =>
            pool
              .runInteraction(async (transaction) => {
                const first = request.getStore();
                await transaction.runQuery("select 1 as a");
                const nested = await transaction.runInteraction(() => request.getStore());
                const called = await transaction
                  .runQuery("select 1 as a")
                  .addCallback(() => request.getStore());
                return [first, request.getStore(), nested, called];
              })
              .addCallback((inside) => [...inside, request.getStore()]),
          );
        const names = Array.from({ length: 5 }, (_, n) => `caller ${n}`);
        const [errbacks, interactions] = await Promise.all([
          Promise.all(names.map(errback)),
          Promise.all(names.map(interaction)),
        ]);
        expect(errbacks).toEqual(names);
        expect(interactions).toEqual(names.map((name) => Array(5).fill(name)));
      }));

    test("every kind of step of a transaction, asked for by several callers at once", () =>
      withPool(target, { min: 1, max: 1 }, async (pool) => {
        await pool.runOperation("create table t (n integer)");
        const insert = target.sql("insert into t values (?)");
        const store = () => request.getStore();
        const seen = await pool.runInteraction((transaction) => {
          const kinds = [
            () => transaction.runQuery("select 1 as a").addCallback(store),
            () => transaction.runInteraction((nested) => nested.runQuery("select 1 as a").addCallback(store)),
            () => transaction.runInteraction(store),
            () => transaction.runInteraction(() => 1).addCallback(store),
            () => transaction.executeMany(insert, [[1], [2]]).addCallback(store),
            () => transaction.execute("select n from t").addCallback(store),
            () => transaction.fetchOne().addCallback(store),
            () => transaction.fetchAll().addCallback(store),
          ];
          return Promise.all(kinds.map((kind, n) => request.run(`caller ${n}`, kind)));
        });
        expect(seen).toEqual(seen.map((_, n) => `caller ${n}`));
        const ends = await pool.runWithConnection(async (connection) => {
          const cursor = connection.cursor();
          const kinds = [
            () => cursor.execute("select n from t").addCallback(store),
            () => cursor.fetchMany(1).addCallback(store),
            () => connection.commit().addCallback(store),
            () => connection.rollback().addCallback(store),
          ];
          return Promise.all(kinds.map((kind, n) => request.run(`caller ${n}`, kind)));
        });
        expect(ends).toEqual(ends.map((_, n) => `caller ${n}`));
      }));

    test("streams", () =>
      withPool(target, { min: 1, max: 1 }, async (pool) => {
        const read = (name: string) =>
          request.run(name, async () => {
            const seen: unknown[] = [];
            for await (const _ of pool.runStream("select 1 as a union all select 2"))
              seen.push(request.getStore());
            return seen;
          });
        expect(await Promise.all(["one", "two"].map(read))).toEqual([
          ["one", "one"],
          ["two", "two"],
        ]);
      }));

    test("a cancel by someone else: the errback sees its caller's store", () =>
      withPool(target, { min: 1, max: 1 }, async (pool) => {
        const controller = new AbortController();
        const { signal } = controller;
        const waits = request.run("caller", () => [
          pool.runQuery(target.endlessSql, undefined, { signal }).addErrback(() => request.getStore()),
          pool
            .runInteraction({ signal, readOnly: true }, (transaction) =>
              transaction.runQuery("select 1 as a"),
            )
            .addBoth(() => request.getStore()),
        ]);
        await new Promise((done) => setTimeout(done, 20));
        request.run("someone else", () => controller.abort());
        expect(await Promise.all(waits)).toEqual(["caller", "caller"]);
      }));

    test("a store bound to a channel is entered", () =>
      withPool(target, {}, async (pool) => {
        const spans = new AsyncLocalStorage<string>();
        const interaction = tracingChannel<string, InteractionTrace>("adbapi:interaction");
        interaction.start.bindStore(spans, (trace) => (trace as InteractionTrace).verb);
        onTestFinished(() => void interaction.start.unbindStore(spans));
        const inside = await pool.runInteraction(async (transaction) => {
          await transaction.runQuery("select 1 as a");
          return spans.getStore();
        });
        expect(inside).toBe("runInteraction");
        expect(spans.getStore()).toBeUndefined();
      }));
  });
});
