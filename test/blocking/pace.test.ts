/** What a thread does for speed: who shares a transaction, and when it stays awake for the next request. */
import { ConnectionPool } from "adbapi";
import { blockingDriver } from "adbapi/drivers/blocking";
import { describe, expect, it, vi } from "vitest";
import { ThreadTester } from "../support/thread-connections.js";

const committing = blockingDriver(new URL("./modules/committing.mjs", import.meta.url), {
  singleWriter: true,
  stackable: () => true,
  repeatable: (sql) => sql.startsWith("select"),
});

describe("group commit", () => {
  /** A connection that knows the texts as fast, and what a commit takes. */
  async function warmed(commitMillis: number, ...texts: readonly string[]) {
    const test = await ThreadTester.open(committing, [commitMillis], { pipeline: 256 });
    for (const sql of ["insert", ...texts]) await test.execute(sql).catch(() => {});
    await Promise.all([test.execute("insert"), test.execute("insert")]);
    const commits = async () => Number((await test.rows("select commits"))[0]!.v);
    /** What became of the writes, and how many commits they took. */
    const write = async (...sql: readonly string[]) => {
      const before = await commits();
      const settled = await Promise.allSettled(sql.map((each) => test.execute(each)));
      return { settled, commits: (await commits()) - before };
    };
    return { test, commits, write };
  }

  const inserts = (count: number, sql = "insert") => new Array<string>(count).fill(sql);

  /** A thread that the system stops for a moment takes what it did for slow: once of some times it is not stopped. */
  const undisturbed = (attempt: () => Promise<void>) => vi.waitFor(attempt, { timeout: 30_000, interval: 0 });

  it("shares a dear commit among all that have come, and is quick to answer where commits are cheap", async () => {
    await undisturbed(async () => {
      expect((await (await warmed(3)).write(...inserts(60))).commits).toBe(1);
    });
    await undisturbed(async () => {
      const cheap = await (await warmed(0)).write(...inserts(60));
      expect(cheap.commits).toBe(Math.ceil(60 / 16));
    });
  });

  it.each(["insert bad", "insert late"])(
    "finds the one that is in the way, and all others share again: %s",
    (wrong) =>
      undisturbed(async () => {
        const { write } = await warmed(3, wrong);
        const { settled, commits } = await write(...inserts(40), wrong, ...inserts(19));
        expect(settled.map(({ status }) => status)).toEqual([
          ...inserts(40, "fulfilled"),
          "rejected",
          ...inserts(19, "fulfilled"),
        ]);
        expect(commits).toBeLessThan(20);
      }),
  );

  it("goes on without one that was cancelled before it began", () =>
    undisturbed(async () => {
      const { test, commits } = await warmed(3, "insert slow");
      const before = await commits();
      const unwanted = test.statement("insert");
      const asked = [
        test.execute("insert slow"),
        test.connection.execute(unwanted),
        ...inserts(50).map((sql) => test.execute(sql)),
      ];
      // They have left, and the thread is at the first.
      await new Promise(process.nextTick);
      expect(test.connection.cancel!(unwanted).outcome).toBe("not sent");
      const settled = await Promise.allSettled(asked);
      expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(1);
      expect((await commits()) - before).toBeLessThan(6);
    }));

  it("takes no more in once it has taken long: who cancels one of them waits for the whole", async () => {
    const { write } = await warmed(3, "insert slow");
    const { commits } = await write(...inserts(60, "insert slow"));
    expect(commits).toBeGreaterThan(5);
  });
});

describe("a thread that looks out for the next request", () => {
  it("hears that it is to end, and of what somebody else wants meanwhile", async () => {
    for (let round = 0; round < 20; round++) {
      const pool = new ConnectionPool(committing, [], { max: 2 });
      for (let n = 0; n < 30; n++) await pool.runQuery("select 1 as v");
      const both = [
        pool.runQuery("select 1 as v"),
        pool.runInteraction((own) => own.runQuery("select 1 as v")),
      ];
      expect(await Promise.all(both)).toEqual([[{ v: 1 }], [{ v: 1 }]]);
      await pool.close();
    }
  });
});
