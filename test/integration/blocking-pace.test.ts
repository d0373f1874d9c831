/** What a thread does for speed: who shares a transaction, and when it stays awake for the next request. */
import { ConnectionPool } from "adbapi";
import { blockingDriver } from "adbapi/drivers/blocking";
import { describe, expect, it } from "vitest";
import { ThreadTester } from "../support/thread-connections.js";

const committing = blockingDriver(new URL("./modules/committing.mjs", import.meta.url), {
  singleWriter: true,
  stackable: () => true,
  repeatable: (sql) => sql.startsWith("select"),
});

describe("group commit", () => {
  async function commitsOf(writes: number, commitMillis: number): Promise<number> {
    const test = await ThreadTester.open(committing, [commitMillis]);
    const commits = async () => Number((await test.rows("select commits"))[0]!.v);
    const write = (count: number) => Promise.all(Array.from({ length: count }, () => test.execute("insert")));
    // A text is known as fast once it has run; what a commit takes, once a group has paid for it.
    await test.execute("insert");
    await write(2);
    const before = await commits();
    await write(writes);
    return (await commits()) - before;
  }

  it("shares a dear commit among all that have come, and is quick to answer where commits are cheap", async () => {
    expect(await commitsOf(60, 3)).toBe(1);
    const cheap = await commitsOf(60, 0);
    expect(cheap).toBeGreaterThan(1);
    expect(cheap).toBeLessThanOrEqual(Math.ceil(60 / 16));
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
