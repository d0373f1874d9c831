/** F20: more than the server takes in one piece. */
import { DatabaseError } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, TARGETS, withPool } from "../support/targets.js";
import { quiet } from "../support/with-scripted.js";

/**
 * What no server of the kind takes: PostgreSQL ends at 1 GB, MariaDB at its max_allowed_packet of 16 MB, SQLite at 1
 * GB.
 */
const OVERSIZED: Readonly<Record<string, { sql: string; bytes?: number }>> = {
  pg: { sql: "select repeat(repeat('x', 1000000), 1100)" },
  mysql2: { sql: "select length(?) as n", bytes: 20_000_000 },
  mariadb: { sql: "select length(?) as n", bytes: 20_000_000 },
  "better-sqlite3": { sql: "select zeroblob(2000000000)" },
  "node:sqlite": { sql: "select zeroblob(2000000000)" },
};

describeEach(TARGETS, (target) => {
  test("F20 oversized packet: its error, and neither the pool nor its neighbours are harmed", () =>
    withPool(target, { min: 0, max: 2, logger: quiet }, async (pool) => {
      const { sql, bytes } = OVERSIZED[target.name] as { sql: string; bytes?: number };
      for (let round = 0; round < 2; round++) {
        const params = bytes === undefined ? [] : [Buffer.alloc(bytes, "x")];
        const failing = pool.runQuery(sql, params);
        const neighbours = Array.from({ length: 5 }, () => pool.runQuery("select 1 as one"));
        await expect(failing.toPromise()).rejects.toBeInstanceOf(DatabaseError);
        for (const neighbour of neighbours) expect(await neighbour).toEqual([{ one: 1 }]);
      }
      const inside = pool.runInteraction(async (t) => {
        await t.runQuery("select 1");
        await t.runQuery(sql, bytes === undefined ? [] : [Buffer.alloc(bytes, "x")]);
      });
      await expect(inside.toPromise()).rejects.toBeInstanceOf(DatabaseError);
      await eventually("in use", () => pool.stats.inUse, 0);
      expect(await pool.runQuery("select 1 as one")).toEqual([{ one: 1 }]);
    }));
});
