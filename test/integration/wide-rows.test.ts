/**
 * Streams of wide rows: what is in memory is bounded by bytes, not by rows. Peaks are those of a process of its own.
 */
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { describeEach, TARGETS, type Target } from "../support/targets.js";

const ROWS = 300;
const MEGABYTE = 1_000_000;
const BOUND_MEGABYTES = 150;

/** Rows of a megabyte: a text, or a blob. */
function wide({ server }: Target, kind: "text" | "blob"): string {
  const text = `repeat('x', ${MEGABYTE})`;
  if (server === "postgres") {
    const value = kind === "text" ? text : `convert_to(${text}, 'UTF8')`;
    return `select ${value} as value from generate_series(1, ${ROWS})`;
  }
  if (server !== undefined)
    return `select ${kind === "text" ? text : `cast(${text} as binary)`} as value from seq_1_to_${ROWS}`;
  const value = kind === "text" ? `printf('%${MEGABYTE}d', n)` : `zeroblob(${MEGABYTE})`;
  return `with recursive c(n) as (select 1 union all select n + 1 from c where n < ${ROWS}) select ${value} as value from c`;
}

describeEach(TARGETS, (target) => {
  const kinds = target.quickBlobs ? (["text", "blob"] as const) : (["text"] as const);
  test.each(kinds)("a slow reader of rows of a megabyte, %s, needs memory for a few", async (kind) => {
    await using database = await target.createDatabase();
    const code = `
      import { setTimeout as sleep } from "node:timers/promises";
      import { ConnectionPool } from "adbapi";
      const pool = new ConnectionPool(...${JSON.stringify([target.name, database.connectArgs])});
      await pool.runQuery("select 1");
      const before = process.resourceUsage().maxRSS;
      let bytes = 0;
      for await (const { value } of pool.runStream(${JSON.stringify(wide(target, kind))})) {
        bytes += value.length;
        await sleep(2);
      }
      await pool.close();
      console.log(bytes, Math.round((process.resourceUsage().maxRSS - before) / 1_000));`;
    await using child = new ChildProgram(["--max-old-space-size=100", "--input-type=module", "--eval", code]);
    const { output } = await child.ended();
    const [bytes, peak] = output.split(" ").map(Number);
    expect(bytes, output).toBe(ROWS * MEGABYTE);
    expect(peak).toBeLessThan(BOUND_MEGABYTES);
  });
});
