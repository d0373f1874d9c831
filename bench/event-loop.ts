/**
 * The delay of the event loop while SQLite aggregates on every thread of its pool, and while a million rows of one
 * query are made.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { ConnectionPool } from "adbapi";
import { median, verdict } from "./harness.js";

const SLOW =
  "with recursive c(n) as (select 1 union all select n + 1 from c where n < ?) select sum(n % 7) as total from c";

const MILLION =
  "with recursive c(n) as (select 1 union all select n + 1 from c where n < 1000000) select n, 'a text' as t from c";
const BUDGET_MILLIS = 15;

export default async function question(): Promise<string> {
  await using pool = new ConnectionPool("better-sqlite3", ":memory:");
  await using file = new ConnectionPool("better-sqlite3", await temporary(), { min: 2, max: 2 });
  await file.start();
  const rows = await rowsForOneSecond(pool);
  const aggregates = await delayDuring(() =>
    Promise.all([file.runQuery(SLOW, [rows]), file.runQuery(SLOW, [rows])]),
  );
  const million = await delayDuring(() => pool.runQuery(MILLION));
  return [
    "### Event-loop delay beside SQLite",
    "",
    line("while it aggregates for a second on each of 2 threads", aggregates),
    line("while the 1 000 000 rows of one query become objects", million),
    "",
  ].join("\n");
}

function line(what: string, millis: number): string {
  return `- ${verdict(millis <= BUDGET_MILLIS)}: p99 ${millis.toFixed(1)} ms ${what} (budget ${BUDGET_MILLIS} ms)`;
}

/** The 99th percentile, in milliseconds, of the median round. */
async function delayDuring(work: () => PromiseLike<unknown>): Promise<number> {
  const delays: number[] = [];
  for (let round = 0; round < 5; round++) {
    const histogram = monitorEventLoopDelay({ resolution: 5 });
    histogram.enable();
    await work();
    histogram.disable();
    // The histogram counts the timer's own 5 ms.
    delays.push(histogram.percentile(99) / 1e6 - 5);
  }
  return median(delays);
}

async function rowsForOneSecond(pool: ConnectionPool): Promise<number> {
  const begin = performance.now();
  await pool.runQuery(SLOW, [500_000]);
  return Math.round((500_000 * 1_000) / (performance.now() - begin));
}

async function temporary(): Promise<string> {
  const { mkdtempSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  return `${mkdtempSync(`${tmpdir()}/adbapi-bench-`)}/aggregate.db`;
}
