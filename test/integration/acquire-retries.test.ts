/** `retries` is for what an interaction did, and for a connection that it did not get. */
import { PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  test("an interaction that gets no connection asks once more for each of its retries, then fails with PoolTimeout", async () => {
    await withPool(target, { max: 1, maxWaiting: 0 }, async (pool) => {
      await pool.runInteraction({ readOnly: true }, async () => {
        const refused = pool.runInteraction({ readOnly: true, retries: 3, timeoutMillis: 10_000 }, () => {});
        await expect(refused).rejects.toThrow(PoolTimeout);
      });
      expect([pool.stats.poolTimeouts, pool.stats.retries]).toEqual([4, 3]);
    });
  });
});
