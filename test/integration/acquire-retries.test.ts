/** `retries` is for what an interaction did, not for a connection that it never got. */
import { PoolTimeout } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  test("an interaction with retries that gets no connection fails with PoolTimeout, once", async () => {
    await withPool(target, { max: 1, maxWaiting: 0 }, async (pool) => {
      await pool.runInteraction({ readOnly: true }, async () => {
        const refused = pool.runInteraction({ readOnly: true, retries: 3, timeoutMillis: 10_000 }, () => {});
        await expect(refused).rejects.toThrow(PoolTimeout);
      });
      expect(pool.stats.poolTimeouts).toBe(1);
    });
  });
});
