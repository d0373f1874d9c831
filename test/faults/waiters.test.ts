/**
 * The invariants "no waiter is ever forgotten" and "a connection goes back only when its state is known", under
 * everything at once.
 */
import { type ConnectionPool, type Outcome, TransactionAborted } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS } from "../support/targets.js";
import { ids, withItems } from "./statement-facts.js";

/** A small generator of numbers that a seed repeats (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Kept = "there" | "gone" | "either";

function keptBy(error: { outcome?: Outcome }): Kept {
  if (error.outcome === "applied") return "there";
  return error.outcome === "unknown" ? "either" : "gone";
}

describeEach(TARGETS, (target) => {
  const insert = target.sql("insert into items values (?, 'new')");

  /** One piece of work of a random kind; fires with what is known of its row, and never rejects. */
  async function work(pool: ConnectionPool, id: number, random: () => number): Promise<Kept> {
    const options = random() < 0.2 ? { timeoutMillis: 1 + Math.floor(random() * 20) } : {};
    const kind = Math.floor(random() * 5);
    const begun =
      kind === 0
        ? pool.runOperation(insert, [id], options)
        : kind === 1
          ? pool.runWithConnection(options, (connection) => connection.cursor().execute(insert, [id]))
          : kind === 2
            ? pool.runInteraction(options, async (transaction) => {
                await transaction.runOperation(insert, [id]);
                throw new TransactionAborted("the caller's own wish");
              })
            : pool.runInteraction(options, async (transaction) => {
                await transaction.runOperation(insert, [id]);
                for await (const _ of transaction.runStream("select * from items")) if (random() < 0.1) break;
                await transaction.runInteraction((nested) => nested.runQuery("select 1 as v"));
              });
    if (random() < 0.25) setTimeout(() => begun.cancel(), random() * 20);
    return begun.then(
      () => "there" as const,
      (error: unknown) => keptBy(error as { outcome?: Outcome }),
    );
  }

  test.each([1, 2])(
    "no waiter is forgotten, and every outcome is true: 200 pieces of random work, seed %i",
    (seed) =>
      withItems(target, { min: 0, max: 3, logger: silent() }, async (pool, database) => {
        const random = seeded(seed);
        const claims = new Map<number, Promise<Kept>>();
        for (let id = 1_000; id < 1_200; id++) {
          claims.set(id, work(pool, id, random));
          if (random() < 0.1) await new Promise((resolve) => setTimeout(resolve, random() * 20));
          if (target.server !== undefined && random() < 0.03) await database.killSessions();
        }
        const known = new Map<number, Kept>();
        for (const [id, claim] of claims) known.set(id, await claim);
        expect(pool.stats.waiting).toBe(0);
        // What was given up settles behind everyone's back: once nothing is held, it has.
        while (pool.stats.inUse > 0) await new Promise((resolve) => setTimeout(resolve, 10));
        const there = new Set(await ids(database));
        const wrong = [...known].filter(
          ([id, kept]) => kept !== "either" && (kept === "there") !== there.has(id),
        );
        expect(wrong).toEqual([]);
        expect([...known.values()].filter((kept) => kept === "there").length).toBeGreaterThan(20);
      }),
  );
});

function silent() {
  return { debug() {}, info() {}, warn() {}, error() {} };
}
