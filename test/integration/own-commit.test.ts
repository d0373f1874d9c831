/** A COMMIT of the function's own, inside of what is given up meanwhile. */
import { CancelledError, type Cursor, type Deferred } from "adbapi";
import { expect, test } from "vitest";
import { failureOf, slowInsert, withItems } from "../faults/statement-facts.js";
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

  test("what fails behind it speaks for all of it: a part lasts", () =>
    withItems(target, { max: 1 }, async (pool) => {
      // A file's next writer waits for its end, which is a matter of processor time.
      const slow = slowInsert(target, 10, target.server === undefined ? 0.5 : 2);
      const ways: readonly ((cursor: Cursor) => Promise<unknown>)[] = [
        (cursor) => cursor.execute(slow, undefined, { timeoutMillis: 50 }).toPromise(),
        (cursor) => {
          cursor.execute(slow, undefined, { timeoutMillis: 400 }).addErrback(() => {});
          return cursor.execute("select 1", undefined, { timeoutMillis: 50 }).toPromise();
        },
        (cursor) => cursor.execute("select 1", undefined, { signal: AbortSignal.abort() }).toPromise(),
      ];
      for (const [id, way] of ways.entries()) {
        for (const commits of [false, true]) {
          const given = pool.runWithConnection(async (connection) => {
            const cursor = connection.cursor();
            await cursor.execute(`insert into items values (${100 + id}, 'x')`);
            if (commits) await connection.commit();
            await way(cursor);
          });
          const error = await failureOf(given);
          expect([id, commits, error.outcome]).toEqual([
            id,
            commits,
            commits ? "unknown" : expect.stringMatching(/^not (?:sent|applied)$/),
          ]);
        }
        expect(await pool.runQuery(`select id from items where id = ${100 + id}`)).toHaveLength(1);
      }
    }));
});
