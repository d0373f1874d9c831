/** Two million rows as a stream from each driver: how fast, and how much memory above the idle pool. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionPool } from "adbapi";
import { server, sqliteFile } from "./data.js";
import { count, verdict } from "./harness.js";

const ROWS = 2_000_000;
const BUDGET_MEGABYTES = 80;

/** The database makes the rows, so that nothing but reading them is measured. */
const SERIES = {
  postgres: `select generate_series(1, ${ROWS}) as n, 'a text of some length' as t`,
  mysql: `select seq as n, 'a text of some length' as t from seq_1_to_${ROWS}`,
  sqlite: `with recursive c(n) as (select 1 union all select n + 1 from c where n < ${ROWS})
    select n, 'a text of some length' as t from c`,
};

interface Source {
  readonly driver: string;
  readonly args: string;
  readonly sql: string;
}

export default async function question(): Promise<string> {
  const { file, remove } = await sqliteFile();
  const postgres = await server("postgres");
  const mariadb = await server("mariadb");
  const sources: Source[] = [{ driver: "better-sqlite3", args: file, sql: SERIES.sqlite }];
  if (mariadb !== undefined) {
    const path = new URL(mariadb);
    const { host, username, password } = path;
    const url = (scheme: string) =>
      `${scheme}://${username}${password && `:${password}`}@${host}${path.pathname}`;
    sources.unshift({ driver: "mysql2", args: url("mysql"), sql: SERIES.mysql });
    sources.unshift({ driver: "mariadb", args: url("mariadb"), sql: SERIES.mysql });
  }
  if (postgres !== undefined) sources.unshift({ driver: "pg", args: postgres, sql: SERIES.postgres });
  const lines: string[] = [];
  for (const source of sources) lines.push(await streamed(source));
  remove();
  return [
    `### A stream of ${count(ROWS)} rows (budget: ${BUDGET_MEGABYTES} MB above the idle pool)`,
    "",
    "| | rows per second | peak memory above the idle pool | |",
    "| --- | ---: | ---: | --- |",
    ...lines,
    "",
  ].join("\n");
}

async function streamed({ driver, args, sql }: Source): Promise<string> {
  await using pool = new ConnectionPool(driver, args, { min: 1, max: 1 });
  await pool.start();
  globalThis.gc?.();
  await sleep(100);
  const idle = process.memoryUsage.rss();
  let peak = idle;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 10);
  const begin = performance.now();
  let rows = 0;
  for await (const _ of pool.runStream(sql)) {
    // Between batches the loop turns, and the watch with it.
    if (++rows % 10_000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
  }
  const seconds = (performance.now() - begin) / 1_000;
  clearInterval(watch);
  if (rows !== ROWS) throw new Error(`${driver} gave ${rows} rows`);
  const megabytes = (peak - idle) / 1e6;
  const met = verdict(megabytes <= BUDGET_MEGABYTES);
  return `| ${driver} | ${count(ROWS / seconds)} | ${megabytes.toFixed(0)} MB | ${met} |`;
}
