/**
 * A megabyte of the worst, as SQL and as params, on every driver: the event loop is held for a moment, whatever the
 * server makes of it.
 */
import type { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

const MEGABYTE = 1_000_000;
const HALF = MEGABYTE / 2;

/**
 * Quadratic work at a megabyte takes minutes; what is linear takes some ten milliseconds, and more on a busy machine.
 */
const HELD_MILLIS = 2_000;

const many = (piece: string) => piece.repeat(MEGABYTE / piece.length);
const PIECES = [
  " ",
  "\n",
  "-- a\n",
  "/* */ ",
  "a",
  "q ",
  "'",
  '"',
  "(",
  "a(",
  "=(",
  "$a",
  ":a ",
  "?",
  "\\",
  '{"',
  "é",
  "1.",
];

/** The longest time between two turns of the event loop while the work goes on. */
async function heldBy(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 5);
  await work();
  await new Promise((done) => setTimeout(done, 10));
  look();
  clearInterval(timer);
  return longest;
}

const settled = (asked: PromiseLike<unknown>) => asked.then(undefined, () => undefined) as Promise<unknown>;

const WAYS: Readonly<Record<string, (pool: ConnectionPool, text: string, mark: string) => Promise<unknown>>> =
  {
    "SQL that begins with it": (pool, text) => settled(pool.runQuery(`${text}select 1`)),
    "SQL that ends with it": (pool, text) => settled(pool.runQuery(`select 1 ${text}`)),
    "SQL of an interaction": (pool, text) =>
      settled(pool.runInteraction((transaction) => transaction.runOperation(`select ${text}`))),
    "a param": (pool, text, mark) => settled(pool.runQuery(`select ${mark} as a`, [text])),
    "a list": (pool, text, mark) => settled(pool.runQuery(`select ${mark} as a`, [[text]])),
    "a list of lists": (pool, text, mark) =>
      settled(pool.runQuery(`select ${mark} as a`, [[[text.slice(0, HALF)], [text.slice(HALF)]]])),
    "JSON in a list": (pool, text, mark) => settled(pool.runQuery(`select ${mark} as a`, [[{ text }]])),
    JSON: (pool, text, mark) => settled(pool.runQuery(`select ${mark} as a`, [{ text }])),
    "lists and JSON that the server refuses": async (pool, text, mark) => {
      for (const param of [[text], [[text]], [{ text }], { text }])
        await settled(pool.runQuery(`select cast(${mark} as decimal) + 1`, [param]));
    },
    "a param that the server refuses": (pool, text, mark) =>
      settled(pool.runQuery(`select nothing(${mark}), ${mark}`, [text, text])),
    "params of executeMany": (pool, text, mark) =>
      settled(
        pool.runInteraction((transaction) =>
          transaction.executeMany(`insert into nowhere values (${mark})`, [[text], [text]]),
        ),
      ),
  };

describeEach(TARGETS, (target) => {
  // Some servers take a quadratic time to read such texts: that is their time, and not this side's.
  test.each(Object.entries(WAYS))("%s", (_, ask) =>
    withPool(target, { max: 1, statementTimeoutMillis: 2_000 }, async (pool) => {
      for (const piece of PIECES) {
        const text = many(piece);
        const held = await heldBy(() => ask(pool as ConnectionPool, text, target.placeholder(1)));
        expect(held, JSON.stringify(piece)).toBeLessThan(HELD_MILLIS);
      }
    }),
  );
});
