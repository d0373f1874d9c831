/** The pool itself: over a driver that answers at once, and with 1 000 or 100 000 statements waiting. */
import { ConnectionPool, type ConnectionPool as Pool } from "adbapi";
import { compare, count, median } from "./harness.js";
import { answer, instant } from "./instant.js";

export default async function question(): Promise<string> {
  const report: string[] = [];
  for (const concurrency of [1, 64]) {
    const pool = new ConnectionPool(instant, {}, { min: 8, max: 8 });
    await pool.start();
    report.push(
      await compare({
        title: `A driver that answers at once, ${concurrency} at once (budget: 3 µs each)`,
        concurrency,
        drawn: false,
        contenders: [
          { name: "adbapi", once: () => pool.runQuery("select 1", [1]), close: () => pool.close() },
          { name: "the driver alone", once: () => Promise.resolve(answer), close: () => {} },
        ],
      }),
    );
  }
  report.push(await queued());
  return report.join("\n");
}

/** The cost of a statement must not grow with the number that wait. */
async function queued(): Promise<string> {
  const pool = new ConnectionPool(instant, {}, { min: 8, max: 8 });
  await pool.start();
  const sizes = [1_000, 100_000];
  const micros = new Map<number, number[]>(sizes.map((size) => [size, []]));
  for (let round = 0; round < 6; round++) {
    for (const size of sizes) {
      let taken = 0;
      for (let left = 100_000; left > 0; left -= size) taken += await burst(pool, size);
      if (round > 0) micros.get(size)!.push((taken * 1_000) / 100_000);
    }
  }
  await pool.close();
  const rows = sizes.map((size) => `| ${count(size)} | ${median(micros.get(size)!).toFixed(2)} µs |`);
  return [
    "### Statements asked for at once, over a driver that answers at once",
    "",
    "| waiting | each |",
    "| ---: | ---: |",
    ...rows,
    "",
  ].join("\n");
}

async function burst(pool: Pool, size: number): Promise<number> {
  const begin = performance.now();
  await Promise.all(Array.from({ length: size }, () => pool.runQuery("select 1", [1])));
  return performance.now() - begin;
}
