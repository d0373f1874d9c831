/** Diagnosis: what a PoolTimeout says, and who is warned of a connection that is held for long. */
import { PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { describeEach, FILE_TARGETS, TARGETS } from "../support/targets.js";
import { untilOpen, withPool } from "../support/with-pool.js";
import { quiet, withScripted } from "../support/with-scripted.js";

const ADVICE = "use the transaction that the function was given instead";

test("B34 the pool used inside of an interaction at max 1 is named as the likely cause", () =>
  withScripted(
    { pool: { max: 1, name: "books", acquireTimeoutMillis: 80, leakDetectionMillis: 10_000 } },
    async (pool, _, listen) => {
      let inner: PoolTimeout | undefined;
      async function nestedByMistake() {
        await pool.runInteraction(async (t) => {
          await t.runQuery("select outer");
          await pool.runQuery("select inner").catch((error) => {
            inner = error as PoolTimeout;
          });
        });
      }
      const ear = listen(pool.runInteraction(() => {}));
      await nestedByMistake();
      expect(inner).toBeInstanceOf(PoolTimeout);
      expect(inner?.sql).toBe("select inner");
      const message = inner?.message ?? "";
      expect(message).toMatch(/pool "books": no connection came free in 80 ms \(acquireTimeoutMillis\)/);
      expect(message).toContain("open=1, idle=0, connecting=0, waiting=1, max=1");
      expect(message).toMatch(/held for \d+ ms: runInteraction/);
      expect(message).toContain(ADVICE);
      expect(message).toContain("nestedByMistake");
      await eventually("the other", () => ear.fired, 1);
    },
  ));

test("a PoolTimeout names each holder and what it runs; holders that run are not blamed for nesting", () =>
  withScripted({ pool: { max: 2, acquireTimeoutMillis: 80 } }, async (pool, server, listen) => {
    const [one, other] = [gate.held(), gate.held()];
    server.next("execute", one, other);
    listen(pool.runQuery("update slowly"));
    await one.entered;
    listen(pool.runInteraction((t) => t.runQuery("update too")));
    await other.entered;
    const ear = listen(pool.runQuery("select 1"));
    await eventually("the timeout", () => ear.fired, 1);
    expect(ear.error.message).toMatch(/held for \d+ ms: 1 statement\(s\), first: update slowly/);
    expect(ear.error.message).toMatch(/held for \d+ ms: runInteraction/);
    expect(ear.error.message).toContain("All connections are in use");
    expect(ear.error.message).not.toContain(ADVICE);
    expect(ear.error).toMatchObject({ retryable: true });
    one.ok();
    other.ok();
  }));

test("a connect without an answer is named", () =>
  withScripted({ pool: { acquireTimeoutMillis: 80, max: 1 } }, async (pool, server, listen) => {
    await pool.runQuery("select 1");
    const running = gate.held();
    server.next("execute", running);
    const held = listen(pool.runQuery("update 1"));
    await running.entered;
    [...server.sessions][0]?.kill();
    await eventually("lost", () => held.fired, 1);
    const connecting = gate.held();
    server.next("connect", connecting);
    const ear = listen(pool.runQuery("select 2"));
    await eventually("the answer", () => ear.fired, 1);
    expect(ear.error.message).toContain("does not answer");
    connecting.ok();
  }));

test("a leak is warned of with the taker's stack, once, and counted; what comes back in time is not", () => {
  const warnings: string[] = [];
  const logger = { ...quiet, warn: (message: string) => void warnings.push(message) };
  return withScripted({ pool: { max: 2, logger, leakDetectionMillis: 60 } }, async (pool) => {
    async function forgetful() {
      await pool.runInteraction(async (t) => {
        await t.runQuery("select 1");
        await eventually("a warning", () => warnings.length, 1);
      });
    }
    await pool.runInteraction((t) => t.runQuery("select 1"));
    expect(warnings).toEqual([]);
    await forgetful();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/held for \d+ ms by runInteraction/);
    expect(warnings[0]).toMatch(/taken here\n +at (?:async )?forgetful /); // no frame of the library's own before it
    expect(pool.stats.leaks).toBe(1);
  });
});

test("a logger that throws harms nobody", () => {
  const shout = () => {
    throw new Error("of the logger");
  };
  const logger = { debug: shout, info: shout, warn: shout, error: shout };
  return withScripted({ pool: { logger, noisy: true, max: 1 } }, async (pool, server, listen) => {
    server.next("connect", gate.err());
    const ear = listen(pool.runQuery("select 1"));
    await eventually("the failure", () => ear.fired, 1);
    await pool.runQuery("select 2");
    [...server.sessions][0]?.kill();
    await pool.runQuery("select 3");
  });
});

describeEach(TARGETS, (target) => {
  test("a stream that is left open is a leak: warned of with its text and its taker", () => {
    const warnings: string[] = [];
    const logger = { ...quiet, warn: (message: string) => void warnings.push(message) };
    return withPool(target, { min: 0, max: 1, logger, leakDetectionMillis: 100 }, async (pool) => {
      async function forgetfulReader() {
        for await (const _ of pool.runStream("select 1 as one")) {
          await eventually("a warning", () => warnings.length, 1);
        }
      }
      await forgetfulReader();
      expect(warnings[0]).toContain("runStream: select 1 as one");
      expect(warnings[0]).toMatch(/taken here\n +at (?:async )?forgetfulReader /);
      expect(pool.stats.leaks).toBe(1);
    });
  });
});

describeEach(FILE_TARGETS, (target) => {
  test.each([1, 3])(
    "B34 a write through the pool inside of a writing interaction, max %i, names the single writer",
    (max) =>
      withPool(target, { min: max, max, acquireTimeoutMillis: 1_500 }, async (pool) => {
        await untilOpen(pool, max);
        await pool.runOperation("create table t (a integer)");
        let inner: Error | undefined;
        await pool.runInteraction(async (t) => {
          await t.runOperation("insert into t values (1)");
          await pool.runOperation("insert into t values (2)").catch((error) => {
            inner = error as Error;
          });
        });
        expect(inner).toBeInstanceOf(PoolTimeout);
        expect(inner?.message).toContain(ADVICE);
        expect(await pool.runQuery("select a from t")).toEqual([{ a: 1 }]);
      }),
  );
});
