/** The cost of a statement must not grow with the number that wait: 1 000 at once, again and again, beside 100 000 at once. */
import { ConnectionPool } from "adbapi";
import { fill, server, someId } from "./data.js";
import { count, median } from "./harness.js";

const SQL = "select * from items where id = $1";
const MANY = 100_000;
const FEW = 1_000;

export default async function question(): Promise<string> {
  const url = await server("postgres");
  if (url === undefined) return "### Many waiting: no server\n";
  await using pool = new ConnectionPool("pg", url, { min: 8, max: 8, acquireTimeoutMillis: 600_000 });
  await fill(pool);
  await pool.start();
  for (let n = 0; n < 30; n++) await burst(pool, FEW);
  const rates: { few: number; many: number }[] = [];
  for (let round = 0; round < 5; round++) {
    let few = 0;
    for (let done = 0; done < MANY; done += FEW) few += await burst(pool, FEW);
    rates.push({ few, many: await burst(pool, MANY) });
  }
  const ratio = median(rates.map(({ few, many }) => few / many));
  const rate = (millis: number) => `${count((MANY * 1_000) / millis)}/s`;
  return [
    "### PostgreSQL, statements asked for at once, pool of 8",
    "",
    "| waiting at once | rate | bytes each, waiting |",
    "| ---: | ---: | ---: |",
    `| ${count(FEW)} | ${rate(median(rates.map(({ few }) => few)))} | ${await weight(pool, FEW)} |`,
    `| ${count(MANY)} | ${rate(median(rates.map(({ many }) => many)))} | ${await weight(pool, MANY)} |`,
    "",
    `- ${ratio >= 0.85 ? "met" : "**missed**"}: with ${count(MANY)} waiting the rate is ${ratio.toFixed(2)} × that with ${count(FEW)} (budget 0.85 ×)`,
    "",
  ].join("\n");
}

async function burst(pool: ConnectionPool, size: number): Promise<number> {
  const begin = performance.now();
  await Promise.all(Array.from({ length: size }, (_, n) => pool.runQuery(SQL, [someId(n)])));
  return performance.now() - begin;
}

/** Needs `--expose-gc`; a dash without. */
async function weight(pool: ConnectionPool, size: number): Promise<string> {
  if (globalThis.gc === undefined) return "–";
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const waiting = Array.from({ length: size }, (_, n) => pool.runQuery(SQL, [someId(n)]));
  globalThis.gc();
  const bytes = (process.memoryUsage().heapUsed - before) / size;
  await Promise.all(waiting);
  return count(bytes);
}
