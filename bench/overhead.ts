/** The pool itself: over a driver that answers at once. */
import { ConnectionPool } from "adbapi";
import { compare } from "./harness.js";
import { answer, instant } from "./instant.js";

export default async function question(): Promise<string> {
  const report: string[] = [];
  for (const concurrency of [1, 64]) {
    const pool = new ConnectionPool(instant, {}, { min: 8, max: 8 });
    await pool.start();
    report.push(
      await compare({
        title: `A driver that answers at once, ${concurrency} at once`,
        concurrency,
        drawn: false,
        contenders: [
          { name: "adbapi", once: () => pool.runQuery("select 1", [1]), close: () => pool.close() },
          { name: "the driver alone", once: () => Promise.resolve(answer), close: () => {} },
        ],
        budgets: [{ ours: "adbapi", mostMicros: 3 }],
      }),
    );
  }
  return report.join("\n");
}
