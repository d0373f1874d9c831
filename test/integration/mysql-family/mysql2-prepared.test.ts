/** mysql2 closes prepared statements by a count of uses of its own: nothing may rely on one that it has closed. */
import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";
import { objectOf } from "../../support/mysql-targets.js";
import { selectedTargets } from "../../support/selection.js";
import { serverUrl } from "../../support/servers.js";

const MOST = 5;
const runs = test.runIf(selectedTargets().includes("mysql2") && serverUrl("mysql") !== undefined);

async function withFew(use: (pool: ConnectionPool, ask: (n: number) => Promise<unknown>) => Promise<void>) {
  const args = { ...objectOf(serverUrl("mysql")!), maxPreparedStatements: MOST };
  await using pool = new ConnectionPool("mysql2", args, { min: 0, max: 1 });
  await use(pool, async (n) => pool.runQuery(`select ? + ${n} as v`, [1]));
}

runs("a stream of a text that was used again, and whose statement mysql2 has closed", () =>
  withFew(async (pool, ask) => {
    for (let n = 0; n < MOST; n++) await ask(n);
    await ask(0);
    await ask(MOST);
    const rows = [];
    for await (const row of pool.runStream("select ? + 0 as v", [7])) rows.push(row);
    expect(rows).toEqual([{ v: 7 }]);
    expect(pool.stats.losses).toBe(0);
  }),
);

runs("executeMany's refusal of writes behind a lost transaction is heard, however old its statement", () =>
  withFew(async (pool, ask) => {
    await pool.runWithConnection(async (connection) => {
      await connection.cursor().execute("create temporary table lots (id int primary key)");
      await connection.commit();
      const lists = (from: number) => Array.from({ length: 10 }, (_, n) => [from + n]);
      const many = (from: number) =>
        connection.cursor().executeMany("insert into lots values (?)", lists(from));
      const settings = async () => {
        const cursor = await connection.cursor().execute("show session status like 'Com_set_option'");
        const [row] = (await cursor.fetchAll()) as { Value: string }[];
        return Number(row!.Value);
      };
      await many(0);
      for (let round = 1; round < 4; round++) {
        for (let n = 0; n < 3; n++) await connection.cursor().execute(`select ? + ${round}${n} as v`, [1]);
        await many(round * 100);
      }
      const before = await settings();
      await many(1000);
      // One between any two lists, and the setting's own way back and forth.
      expect((await settings()) - before).toBeGreaterThanOrEqual(9);
    });
    expect(await ask(1)).toEqual([{ v: 2 }]);
  }),
);
