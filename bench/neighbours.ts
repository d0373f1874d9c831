/**
 * Fast statements beside slow ones: the 99th percentile of 8 fast at once, alone and while two sleeping statements run,
 * pool of 5.
 */
import { ConnectionPool } from "adbapi";
import { fill, server, someId } from "./data.js";
import { median, verdict } from "./harness.js";

const SQL = "select * from items where id = $1";

export default async function question(): Promise<string> {
  const url = await server("postgres");
  if (url === undefined) return "### Fast beside slow: no server\n";
  await using pool = new ConnectionPool("pg", url, { min: 5, max: 5 });
  await fill(pool);
  await pool.start();
  await p99(pool, 1_000);
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < 5; round++) {
    alone.push(await p99(pool, 1_000));
    const sleeping = [1, 2].map(() => pool.runQuery("select pg_sleep(1.2)"));
    beside.push(await p99(pool, 1_000));
    await Promise.all(sleeping);
  }
  const times = median(beside.map((slow, round) => slow / alone[round]!));
  return [
    "### PostgreSQL, 8 fast statements at once beside 2 that sleep, pool of 5",
    "",
    "| p99 alone | p99 beside | ratio |",
    "| ---: | ---: | ---: |",
    `| ${median(alone).toFixed(2)} ms | ${median(beside).toFixed(2)} ms | ${times.toFixed(2)} |`,
    "",
    `- ${verdict(times <= 2)}: ${times.toFixed(2)} × (budget 2 ×)`,
    "",
  ].join("\n");
}

async function p99(pool: ConnectionPool, millis: number): Promise<number> {
  const taken: number[] = [];
  const end = performance.now() + millis;
  const worker = async (first: number) => {
    for (let n = first; performance.now() < end; n += 8) {
      const begin = performance.now();
      await pool.runQuery(SQL, [someId(n)]);
      taken.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, first) => worker(first)));
  taken.sort((a, b) => a - b);
  return taken[Math.floor(taken.length * 0.99)]!;
}
