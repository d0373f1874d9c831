/** F15: the connection is lost while COMMIT is under way. */
import { ConnectionLost } from "adbapi";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";
import { withFaults } from "../support/with-faults.js";

describeEach(SERVER_TARGETS, (target) => {
  test.each([
    ["before the server got it: nothing is there", "cutBefore", 0],
    ["before its answer came: it is done", "cutAfter", 1],
  ] as const)('F15 lost in COMMIT, %s, "unknown" either way, and never repeated', (_, trap, rows) =>
    withFaults(target, { max: 2 }, async ({ pool, database, forwarder, listen }) => {
      await pool.runOperation("create table t (a integer)");
      const sprung = forwarder[trap]("commit");
      let runs = 0;
      const ear = listen(
        pool.runInteraction({ retries: 3 }, async (t) => {
          runs++;
          await t.runOperation("insert into t values (1)");
        }),
      );
      await sprung;
      await eventually("the answer", () => ear.fired, 1);
      expect(ear.error).toBeInstanceOf(ConnectionLost);
      expect(ear.error.outcome).toBe("unknown");
      expect(runs).toBe(1);
      const count = async () => Number((await database.observe("select count(*) as n from t"))[0]?.n);
      await eventually("rows", count, rows);
    }),
  );

  test("F15 lost before COMMIT was sent: not applied, and repeated where that was asked for", () =>
    withFaults(target, { max: 2 }, async ({ pool, database, forwarder, listen }) => {
      await pool.runOperation("create table t (a integer)");
      for (const retries of [0, 2]) {
        let runs = 0;
        const ear = listen(
          pool.runInteraction({ retries }, async (t) => {
            runs++;
            await t.runOperation("insert into t values (1)");
            if (runs === 1) await forwarder.cut();
            await t.runOperation("insert into t values (2)");
          }),
        );
        await eventually("the answer", () => ear.fired, 1);
        if (retries === 0)
          expect(ear.error).toMatchObject({ name: "ConnectionLost", outcome: "not applied" });
        else expect(runs).toBe(2);
        expect(await database.observe("select a from t order by a")).toHaveLength(retries === 0 ? 0 : 2);
      }
    }));
});
