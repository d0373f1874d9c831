/** What a closed pool leaves of its file. */
import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS } from "../support/targets.js";
import { temporaryFile } from "../support/thread-connections.js";

describeEach(
  TARGETS.filter(({ server }) => server === undefined),
  (target) => {
    test("the file alone: the log is removed with the last connection, however many close", async () => {
      const file = temporaryFile();
      for (let round = 0; round < 8; round++) {
        const pool = new ConnectionPool(target.name, file, { min: 4, max: 4 });
        await pool.start();
        await pool.runOperation("create table if not exists t (v)");
        await pool.runOperation("insert into t values (1)");
        await Promise.all(Array.from({ length: 8 }, () => pool.runQuery("select count(*) from t")));
        await pool.close();
        expect(readdirSync(dirname(file))).toEqual([basename(file)]);
      }
    });
  },
);
