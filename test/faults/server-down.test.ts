/** F3: the server goes away for a while and comes back. */
import { setTimeout as sleep } from "node:timers/promises";
import { OperationalError } from "adbapi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import type { OwnServer } from "../support/servers.js";
import { ownServer } from "../support/servers.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";
import { withFaults, works } from "../support/with-faults.js";

describeEach(SERVER_TARGETS, (target) => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await ownServer(target.server as NonNullable<typeof target.server>);
  });
  afterAll(() => server?.close());

  test(
    "F3 killed, down for a while, then back: min is refilled by itself, at a bounded rate",
    () =>
      withFaults(target, { serverUrl: server.url, min: 2, max: 4 }, async ({ pool, listen }) => {
        await pool.start();
        await server.kill();
        await eventually("losses", () => pool.stats.size, 0);
        const { connectFailures } = pool.stats;
        await sleep(1_500);
        // Rounds of two, at 10, 20, 40, … ms: never more than 9 rounds in that time.
        expect(pool.stats.connectFailures - connectFailures).toBeLessThanOrEqual(2 * 9);
        const ear = listen(pool.runQuery("select 1"));
        await eventually("the failure", () => ear.fired, 1, 2_000);
        expect(ear.error).toBeInstanceOf(OperationalError);
        await server.start();
        await eventually("size", () => pool.stats.size, 2, 10_000); // nobody asked
      }),
    60_000,
  );

  test(
    "F3 restarted under load: work fails or is done, none is left waiting",
    () =>
      withFaults(target, { serverUrl: server.url, min: 1, max: 3 }, async ({ pool, listen }) => {
        const ears = Array.from({ length: 30 }, (_, n) => listen(pool.runQuery(`select ${n}`)));
        const restarting = server.restart();
        for (let n = 0; n < 20; n++) {
          ears.push(listen(pool.runInteraction((t) => t.runQuery("select 1"))));
          await sleep(20);
        }
        await restarting;
        await eventually("answers", () => ears.filter((ear) => ear.fired === 0).length, 0, 20_000);
        await eventually("works again", () => works(pool), true);
      }),
    60_000,
  );
});
