/** A COMMIT of the function's own, inside of what is given up meanwhile. */
import { CancelledError, type Deferred } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  test("cancelled while it is on its way: what becomes of it is unknown", async () => {
    await withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation("create table t (a integer)");
      let committed: Deferred<void> | undefined;
      const given = pool.runWithConnection(async (connection) => {
        await connection.cursor().execute("insert into t values (1)");
        committed = connection.commit();
        committed.addErrback(() => {});
        await new Promise(setImmediate); // it is sent in this turn; its answer comes in a later one, if at all
        given.cancel();
      });
      const error = await given.toPromise().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CancelledError);
      expect(error).toMatchObject({ outcome: "unknown" });
      // The next borrower comes after the answer, whatever that is.
      const rows = await pool.runQuery("select a from t");
      expect(rows).toEqual(await database.observe("select a from t"));
    });
  });
});
