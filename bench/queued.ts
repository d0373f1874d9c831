/**
 * The cost of a statement must not grow with the number that wait: 1 000 at once, again and again, beside 100 000 at
 * once.
 */
import { ConnectionPool } from "adbapi";
import { fill, server, someId, sqliteFile } from "./data.js";
import { count, median, verdict } from "./harness.js";

const FEW = 1_000;
const MANY = 100_000;
const ROUNDS = 7;
/** Of the rate with few. */
const LEAST = 0.85;
/** Of the bytes that each takes with a tenth of them waiting. */
const MOST_BYTES = 1.15;

export default async function question(): Promise<string> {
  const report: string[] = [];
  const url = await server("postgres");
  if (url !== undefined) {
    await using pool = new ConnectionPool("pg", url, { min: 8, max: 8, acquireTimeoutMillis: 600_000 });
    await fill(pool);
    report.push(await asked("PostgreSQL, statements asked for at once, pool of 8", pool, "$1"));
  }
  const { file, remove } = await sqliteFile();
  {
    const options = { min: 2, max: 2, acquireTimeoutMillis: 600_000 };
    await using pool = new ConnectionPool("better-sqlite3", file, options);
    report.push(await asked("SQLite, statements asked for at once, pool of 2", pool, "?"));
  }
  remove();
  return report.join("\n");
}

async function asked(title: string, pool: ConnectionPool, mark: string): Promise<string> {
  await pool.start();
  const ask = (n: number) => pool.runQuery(`select * from items where id = ${mark}`, [someId(n)]);
  for (let n = 0; n < 50; n++) await burst(ask, FEW);
  await burst(ask, MANY);
  const few: number[] = [];
  const many: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let taken = 0;
    for (let done = 0; done < MANY; done += FEW) taken += await burst(ask, FEW);
    few.push(taken);
    many.push(await burst(ask, MANY));
  }
  const rate = (millis: readonly number[]) => `${count((MANY * 1_000) / median(millis))}/s`;
  const kept = median(few.map((millis, round) => millis / many[round]!));
  const [tenth, whole] = [await weight(ask, MANY / 10), await weight(ask, MANY)];
  return [
    `### ${title}`,
    "",
    "| waiting at once | rate | bytes each, waiting |",
    "| ---: | ---: | ---: |",
    `| ${count(FEW)} | ${rate(few)} | – |`,
    `| ${count(MANY / 10)} | – | ${count(tenth)} |`,
    `| ${count(MANY)} | ${rate(many)} | ${count(whole)} |`,
    "",
    `- ${verdict(kept >= LEAST)}: with ${count(MANY)} waiting the rate is ${kept.toFixed(2)} × that with ${count(FEW)} (budget ${LEAST} ×)`,
    `- ${verdict(whole <= tenth * MOST_BYTES)}: with ${count(MANY)} waiting each takes ${(whole / tenth).toFixed(2)} × the memory that it takes with ${count(MANY / 10)} (budget ${MOST_BYTES} ×)`,
    "",
  ].join("\n");
}

type Ask = (n: number) => ReturnType<ConnectionPool["runQuery"]>;

/** The caller keeps nothing of his own: no list of answers, no promises. */
function burst(ask: Ask, size: number): Promise<number> {
  const begin = performance.now();
  let left = size;
  return new Promise((resolve, reject) => {
    const answered = () => {
      if (--left === 0) resolve(performance.now() - begin);
    };
    for (let n = 0; n < size; n++) ask(n).addCallbacks(answered, reject);
  });
}

/** Of the heap, with the caller's params and Deferred. */
async function weight(ask: Ask, size: number): Promise<number> {
  const waiting = new Array<ReturnType<Ask>>(size);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < size; n++) waiting[n] = ask(n);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / size;
  await Promise.all(waiting);
  return bytes;
}
