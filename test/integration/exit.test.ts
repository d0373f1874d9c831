/** A script that forgets close() exits by itself, whatever it did. */
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { describeEach, TARGETS, type Target } from "../support/targets.js";

const SCRIPTS = {
  "has started the pool": `
    await pool.start();`,
  "has run interactions": `
    await pool.runInteraction((transaction) => transaction.runQuery("select 1"));
    await pool.runInteraction((transaction) => transaction.runQuery("selekt 1")).catch(() => {});`,
  "has borrowed a connection": `
    await pool.runWithConnection((connection) => connection.cursor().execute("select 1"));`,
  "has read a stream, and left another": `
    for await (const row of pool.runStream("select 1 as x")) if (row.x === undefined) throw row;
    for await (const row of pool.runStream("select 1 union select 2")) break;`,
  "does not wait for its last statement": `
    pool.runQuery("select 1").addCallback(() => console.log("done"));`,
  "waits for nothing but close()": `
    void pool.runQuery("select 1");
    await pool.close();
    console.log("done");`,
} as const;

describeEach(TARGETS, (target) => {
  for (const [what, script] of Object.entries(SCRIPTS)) {
    test(what, async () => {
      const { status, output } = await run(target, script);
      expect(output).toBe(script.includes("done") ? "done\n" : "");
      expect(status).toBe(0);
    });
  }
});

async function run(target: Target, script: string) {
  await using database = await target.createDatabase();
  const code = `
    import { ConnectionPool } from "adbapi";
    const pool = new ConnectionPool(...${JSON.stringify([target.name, database.connectArgs])});
    ${script}`;
  await using child = new ChildProgram(["--input-type=module", "--eval", code]);
  const tooLate = setTimeout(() => child.signal("SIGKILL"), 20_000);
  const ended = await child.ended();
  clearTimeout(tooLate);
  return ended;
}
