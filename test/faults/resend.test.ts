/**
 * F5, invariant 1: a statement is sent again only when the server certainly never saw it. A driver whose losses are
 * scripted.
 */
import { ConnectionLost, ConnectionPool, type Outcome } from "adbapi";
import { expect, test } from "vitest";
import type { SessionState, Statement } from "../../drivers/driver.js";
import { answer, simpleDriver } from "../support/simple-driver.js";
import { failureOf } from "./statement-facts.js";

/**
 * Each connection dies at its first statement, until the script is at its end; the statements that reached the "server"
 * are kept.
 */
function dyingDriver(script: Outcome[]) {
  const reached: string[] = [];
  const driver = simpleDriver(() => {
    let state: SessionState = "idle";
    return {
      get state() {
        return state;
      },
      async execute({ sql }: Statement) {
        const outcome = script.shift();
        if (outcome !== "not sent") reached.push(sql);
        if (outcome !== undefined) {
          state = "broken";
          throw new ConnectionLost("lost", { outcome });
        }
        return answer({ v: 1 });
      },
      destroy() {
        state = "broken";
      },
    };
  });
  return { driver, reached };
}

async function run(script: Outcome[], options: { reconnect?: boolean }) {
  const { driver, reached } = dyingDriver(script);
  await using pool = new ConnectionPool(driver, [], { min: 0, max: 1, ...options });
  const answer = await pool.runQuery("insert").then(
    () => "done",
    (error: unknown) => (error as ConnectionLost).outcome,
  );
  expect(pool.stats.waiting).toBe(0);
  return { answer, reached };
}

test("F5 not sent: sent again, elsewhere", async () => {
  expect(await run(["not sent", "not sent"], {})).toEqual({ answer: "done", reached: ["insert"] });
});

test("F5 not sent, reconnect: false: it fails, and says so", async () => {
  expect(await run(["not sent"], { reconnect: false })).toEqual({ answer: "not sent", reached: [] });
});

test("F5 sent and lost: never sent again", async () => {
  expect(await run(["unknown"], {})).toEqual({ answer: "unknown", reached: ["insert"] });
});

test("F5 a server that kills every connection: sent again a few times, and then it fails", async () => {
  expect(await run(Array(50).fill("not sent"), {})).toEqual({ answer: "not sent", reached: [] });
});

test("F5 a statement of an interaction is never sent again by itself, on no other session", async () => {
  const { driver, reached } = dyingDriver(["not sent"]);
  await using pool = new ConnectionPool(driver, [], { min: 0, max: 1 });
  const work = pool.runInteraction((transaction) => transaction.runQuery("insert"));
  // The statement was not sent, but its BEGIN was: what is known is told of the whole.
  expect(await failureOf(work)).toMatchObject({ name: "ConnectionLost", outcome: "not applied" });
  expect(reached).toEqual([]);
});

test("F5 several that wait on a session which dies: none is put back onto it, each has its answer from the next", async () => {
  let session = 0;
  let die: (() => void) | undefined;
  let holds = false;
  const lost = () => new ConnectionLost("lost", { outcome: "not sent" });
  const connect = () => {
    const first = ++session === 1;
    let dead = false;
    const inFlight: ((error: Error) => void)[] = [];
    return {
      id: session,
      get state() {
        return dead ? "broken" : "idle";
      },
      execute() {
        if (dead) return Promise.reject(lost());
        if (!first || !holds) return Promise.resolve(answer({ v: 1 }));
        die = () => {
          dead = true;
          for (const reject of inFlight) reject(lost());
        };
        return new Promise((_, reject) => inFlight.push(reject));
      },
    };
  };
  const driver = simpleDriver(connect, { pipeline: 16, stackable: () => true });
  await using pool = new ConnectionPool(driver, [], { min: 0, max: 1 });
  // A text is stacked once it is known to be fast.
  for (let n = 0; n < 3; n++) await pool.runQuery("select 1");
  holds = true;
  const asked = Array.from({ length: 9 }, () => pool.runQuery("select 1"));
  die?.();
  expect(await Promise.all(asked)).toHaveLength(9);
  expect(pool.stats.connects).toBe(2);
});
