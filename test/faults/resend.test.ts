/** F5, invariant 1: a statement is sent again only when the server certainly never saw it. A driver whose losses are scripted. */
import { ConnectionLost, ConnectionPool, type Driver, type Outcome } from "adbapi";
import { expect, test } from "vitest";
import { failureOf } from "./statement-facts.js";

/** Each connection dies at its first statement, until the script is at its end; the statements that reached the "server" are kept. */
function dyingDriver(script: Outcome[]) {
  const reached: string[] = [];
  const driver: Driver = {
    name: "dying",
    paramstyle: "qmark",
    pipeline: 1,
    translate: (error) => error as ConnectionLost,
    async connect() {
      let state: "idle" | "broken" = "idle";
      return {
        native: undefined,
        id: undefined,
        get state() {
          return state;
        },
        async execute({ sql }) {
          const outcome = script.shift();
          if (outcome !== "not sent") reached.push(sql);
          if (outcome !== undefined) {
            state = "broken";
            throw new ConnectionLost("lost", { outcome });
          }
          return { rows: [{ v: 1 }], rowCount: 1, lastInsertId: undefined, columns: [] };
        },
        async begin() {},
        async commit() {},
        async rollback() {},
        async ping() {},
        async close() {},
        destroy() {
          state = "broken";
        },
      };
    },
  };
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
  expect(await failureOf(work)).toMatchObject({ name: "ConnectionLost", outcome: "not sent" });
  expect(reached).toEqual([]);
});
