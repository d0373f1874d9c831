/** F25: sessions that die at random under a hundredfold load. ADBAPI_TEST_KILLS_MILLIS makes it run for longer. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { gate } from "../support/scripted-driver.js";
import { describeEach, SERVER_TARGETS, withPool } from "../support/targets.js";
import { quiet, withScripted } from "../support/with-scripted.js";

const MILLIS = Number(process.env.ADBAPI_TEST_KILLS_MILLIS ?? 1_000);
const MAX = 4;
const EXPECTED = ["ConnectionLost", "CancelledError", "OperationalError", "PoolTimeout", "StatementTimeout"];

/** As many workers as `max` times 100, each asking for one thing after the other. */
async function load(count: number, ask: (n: number) => PromiseLike<unknown>) {
  const until = performance.now() + MILLIS;
  const tally = new Map<string, number>();
  let size = 0;
  const worker = async (_: unknown, index: number) => {
    for (let n = index; performance.now() < until; n += count) {
      const outcome = await ask(n).then(
        () => "fine",
        (error: Error) => error.name,
      );
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    }
  };
  const workers = Array.from({ length: count }, worker);
  return {
    done: Promise.all(workers),
    tally,
    get busy() {
      return performance.now() < until;
    },
    see: (now: number) => {
      size = Math.max(size, now);
    },
    get size() {
      return size;
    },
  };
}

test("F25 random kills, cancels, refusals and delays on a scripted server: nobody is forgotten", () =>
  withScripted(
    { pipeline: 4, cancel: true, pool: { min: 2, max: MAX, acquireTimeoutMillis: 5_000 } },
    async (pool, server) => {
      const random = (n: number) => Math.floor(Math.random() * n);
      const chaos = { pass: () => (random(20) === 0 ? gate.slow(random(5)).pass() : gate.ok.pass()) };
      server.always("execute", chaos);
      server.always("connect", { pass: () => (random(5) === 0 ? gate.err().pass() : chaos.pass()) });
      const run = await load(MAX * 100, (n) => {
        if (n % 7 === 0) return pool.runInteraction((t) => t.runQuery(`update ${n % 50}`));
        const query = pool.runQuery(`select ${n % 50}`);
        if (n % 11 === 0) setTimeout(() => query.cancel(), random(3));
        return query;
      });
      while (run.busy) {
        const sessions = [...server.sessions];
        sessions[random(sessions.length)]?.kill();
        run.see(pool.stats.size + pool.stats.connecting);
        await sleep(random(10));
      }
      await run.done;
      expect(run.size).toBeLessThanOrEqual(MAX);
      expect(run.tally.get("fine")).toBeGreaterThan(100);
      expect([...run.tally.keys()].filter((name) => name !== "fine" && !EXPECTED.includes(name))).toEqual([]);
      server.always("connect", gate.ok);
    },
  ));

describeEach(SERVER_TARGETS, (target) => {
  test("F25 random kills at the server: size stays within max, every Deferred fires, the pool recovers", () =>
    withPool(
      target,
      { min: 1, max: MAX, logger: quiet, acquireTimeoutMillis: 10_000 },
      async (pool, database) => {
        await pool.runOperation(`create table t (id ${target.types.id}, a ${target.types.bigint})`);
        const insert = target.sql("insert into t (a) values (?)");
        let acknowledged = 0;
        const run = await load(MAX * 25, async (n) => {
          if (n % 5 === 0) {
            await pool.runInteraction((t) => t.runOperation(insert, [n]));
            acknowledged++;
          } else await pool.runQuery(target.sql("select ? as n"), [n]);
        });
        while (run.busy) {
          await sleep(100);
          await database.killSessions();
          run.see(pool.stats.size + pool.stats.connecting);
        }
        await run.done;
        expect(run.size).toBeLessThanOrEqual(MAX);
        expect([...run.tally.keys()].filter((name) => name !== "fine" && !EXPECTED.includes(name))).toEqual(
          [],
        );
        await eventually(
          "works again",
          () =>
            pool.runQuery("select 1").then(
              () => true,
              () => false,
            ),
          true,
        );
        const [row] = await pool.runQuery<{ n: unknown }>("select count(*) as n from t");
        expect(Number(row?.n)).toBeGreaterThanOrEqual(acknowledged);
      },
    ));
});
