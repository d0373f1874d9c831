/**
 * The pool itself: over a driver that answers at once. With `ADBAPI_BENCH_OTHER=<folder of another dist>` that build is
 * measured in the same rounds.
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as adbapi from "adbapi";
import { compare } from "./harness.js";
import { answer, instant } from "./instant.js";

export default async function question(): Promise<string> {
  const report: string[] = [];
  const other = process.env.ADBAPI_BENCH_OTHER;
  const builds: (readonly [string, typeof adbapi])[] = [["adbapi", adbapi]];
  if (other !== undefined) {
    const { href } = pathToFileURL(join(resolve(other), "src/index.js"));
    builds.push(["the other build", (await import(href)) as typeof adbapi]);
  }
  for (const concurrency of [1, 64]) {
    const statements = [];
    const interactions = [];
    for (const [name, { ConnectionPool }] of builds) {
      const pool = new ConnectionPool(instant, {}, { min: 8, max: 8 });
      await pool.start();
      const query = () => pool.runQuery("select 1", [1]);
      statements.push({ name, once: query, close: () => {} });
      const once = () => pool.runInteraction((transaction) => transaction.runQuery("select 1", [1]));
      interactions.push({ name, once, close: () => pool.close() });
    }
    const alone = { name: "the driver alone", once: () => Promise.resolve(answer), close: () => {} };
    report.push(
      await compare({
        title: `A driver that answers at once, ${concurrency} at once`,
        concurrency,
        drawn: false,
        contenders: [...statements, alone],
        budgets: [{ ours: "adbapi", mostMicros: 3 }],
      }),
      await compare({
        title: `An interaction with one query over it, ${concurrency} at once`,
        concurrency,
        drawn: false,
        contenders: interactions,
      }),
    );
  }
  return report.join("\n");
}
