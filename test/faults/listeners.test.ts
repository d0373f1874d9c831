/** B41: listeners of the diagnostics channels that throw. (A logger that throws: misuse.test.ts.) */
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { describeEach, TARGETS } from "../support/targets.js";

const PROGRAM = `
  import { channel } from "node:diagnostics_channel";
  import { ConnectionPool } from "adbapi";
  const reported = new Set();
  process.on("uncaughtException", (error) => reported.add(error.message));
  const names = ["adbapi:release"];
  for (const kind of ["statement", "interaction", "acquire", "connect"])
    for (const event of ["start", "end", "asyncStart", "asyncEnd", "error"]) names.push("tracing:adbapi:" + kind + ":" + event);
  for (const name of names) channel(name).subscribe(() => { throw new Error(name); });
  const [driver, args] = process.argv.slice(1);
  const logger = { debug() { throw 1; }, info() { throw 2; }, warn() { throw 3; }, error() { throw 4; } };
  const pool = new ConnectionPool(driver, args, { min: 1, max: 2, noisy: true, logger });
  const heard = [];
  const hear = (work) => work.then((value) => heard.push(value), (error) => heard.push(error.name));
  await hear(pool.runQuery("select 1 as a"));
  await hear(pool.runInteraction((transaction) => transaction.runQuery("select 2 as a")));
  await hear(pool.runInteraction(() => { throw new RangeError("its own"); }));
  await hear(pool.runQuery("no such sql"));
  for await (const row of pool.runStream("select 3 as a")) heard.push(row);
  await hear(pool.runInteraction((transaction) => transaction.runQuery("no such sql")));
  const { inUse, waiting } = pool.stats;
  await pool.close();
  await new Promise((done) => setTimeout(done, 20));
  console.log(JSON.stringify({ heard, inUse, waiting, reported: [...reported].sort() }));
`;

describeEach(TARGETS, (target) => {
  test("B41 listeners and a logger that throw: Node.js reports the listeners, everyone has their answer", async () => {
    await using database = await target.createDatabase();
    await using child = new ChildProgram([
      "--input-type=module",
      "--eval",
      PROGRAM,
      target.name,
      database.connectArgs,
    ]);
    const { output, status } = await child.ended();
    expect(status).toBe(0);
    const { reported, ...rest } = JSON.parse(output);
    expect(rest).toEqual({
      heard: [[{ a: 1 }], [{ a: 2 }], "RangeError", "ProgrammingError", { a: 3 }, "ProgrammingError"],
      inUse: 0,
      waiting: 0,
    });
    // All but the errors of waits and connects, of which there are none.
    expect(reported).toHaveLength(19);
  });
});
