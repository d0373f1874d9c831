/** A script that forgets close() exits by itself, whatever it did. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type Target } from "../support/targets.js";

const SCRIPTS = {
  "has made a pool": "",
  "has run a statement": `await pool.runQuery("select 1");`,
  "has started the pool": `await pool.start();`,
  "has closed the pool": `await pool.runQuery("select 1"); await pool.close(); console.log("closed");`,
  "has closed an unused pool": `await pool.close(); console.log("closed");`,
  "has run an interaction": `await pool.runInteraction((transaction) => transaction.runQuery("select 1"));`,
  "has run a failed interaction": `await pool.runInteraction((transaction) => transaction.runQuery("selekt 1")).catch(() => {});`,
  "has borrowed a connection": `await pool.runWithConnection((connection) => connection.cursor().execute("select 1"));`,
  "has read a stream": `for await (const row of pool.runStream("select 1 as x")) if (row.x === undefined) throw row;`,
  "has left a stream": `for await (const row of pool.runStream("select 1 union select 2")) break;`,
  "does not wait for its last statement": `pool.runQuery("select 1").addCallback(() => console.log("answered"));`,
} as const;

describeEach(TARGETS, (target) => {
  for (const [what, script] of Object.entries(SCRIPTS)) {
    test(what, async () => {
      const { status, output } = await run(target, script);
      expect(output).toBe(
        script.includes("console.log") ? `${what.includes("closed") ? "closed" : "answered"}\n` : "",
      );
      expect(status).toBe(0);
    });
  }
});

async function run(target: Target, script: string): Promise<{ status: unknown; output: string }> {
  await using database = await target.createDatabase();
  const code = `
    import { ConnectionPool } from "adbapi";
    const pool = new ConnectionPool(...${JSON.stringify([target.name, database.connectArgs])});
    ${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const tooLate = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [status, output, errors] = await Promise.all([
    new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal))),
    text(child.stdout),
    text(child.stderr),
  ]);
  clearTimeout(tooLate);
  return { status, output: output + errors };
}
