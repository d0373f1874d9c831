/** F23: a process that ends without `close()`: nothing of a pool keeps it alive but work. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { own } from "../support/children.js";
import { eventually } from "../support/eventually.js";
import { Forwarder } from "../support/forwarder.js";
import { describeEach, SERVER_TARGETS, TARGETS, type Target } from "../support/targets.js";

/**
 * Runs a program that has a `pool`, and gives what it said; it must end by itself, well, and soon. `heard` runs at its
 * first word.
 */
async function run(
  target: Target,
  connectArgs: string,
  program: string,
  options = "",
  heard: () => Promise<void> = async () => {},
): Promise<string> {
  const source = `
    import { ConnectionPool } from "adbapi";
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    const [driver, args] = process.argv.slice(1);
    const pool = new ConnectionPool(driver, args, { logger: silent, min: 2, max: 3, ${options} });
    ${program}`;
  const args = ["--input-type=module", "-e", source, target.name, connectArgs];
  const child = own(spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] }));
  const late = setTimeout(() => child.kill("SIGKILL"), 12_000);
  const [said, complaints, [status, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
    once(child.stdout, "data").then(heard),
  ]);
  clearTimeout(late);
  expect({ status, signal, complaints }).toEqual({ status: 0, signal: null, complaints: "" });
  return said;
}

describeEach(TARGETS, (target) => {
  test.each([
    ["a pool that was never used", `console.log("end")`],
    ["connections that are idle", `await pool.runQuery("select 1"); console.log("end")`],
    ["a pool that was started", `await pool.start(); console.log("end")`],
    ["an interaction before", `await pool.runInteraction((t) => t.runQuery("select 1")); console.log("end")`],
    [
      "connections that are being opened",
      `pool.runQuery("select 1").addErrback(() => {}); pool.close; setImmediate(() => console.log("end"))`,
    ],
  ])("F23 %s: the process ends by itself, and nothing is left at the server", async (_, program) => {
    await using database = await target.createDatabase();
    expect(await run(target, database.connectArgs, program)).toBe("end\n");
    await eventually("sessions", () => database.countSessions(), 0);
  });

  test("F23 queued and running work keeps the process alive until it is answered", async () => {
    await using database = await target.createDatabase();
    const program = `
      let answers = 0;
      for (let n = 0; n < 10; n++) pool.runQuery("select 1").addCallback(() => void answers++);
      pool.runInteraction((t) => t.runQuery("select 1")).addCallback(() => void answers++);
      process.on("exit", () => console.log("end", answers));`;
    expect(await run(target, database.connectArgs, program)).toBe("end 11\n");
  });

  test("F23 process.exit() in mid-work", async () => {
    await using database = await target.createDatabase();
    const program = `
      await pool.runQuery("select 1");
      pool.runQuery("select 1").addErrback(() => {});
      pool.runInteraction((t) => t.runQuery("select 1")).addErrback(() => {});
      console.log("end");
      process.exit(0);`;
    expect(await run(target, database.connectArgs, program)).toBe("end\n");
    await eventually("sessions", () => database.countSessions(), 0);
  });

  test("F23 close() that is awaited at the end of a program", async () => {
    await using database = await target.createDatabase();
    const program = `await pool.runQuery("select 1"); await pool.close(); console.log("end", pool.stats.size);`;
    expect(await run(target, database.connectArgs, program)).toBe("end 0\n");
  });
});

describeEach(SERVER_TARGETS, (target) => {
  test.each([
    [
      "connecting to a silent server, which nobody waits for any more",
      (forwarder: Forwarder) => forwarder.stall(),
      `const query = pool.runQuery("select 1"); query.addErrback(() => {}); setTimeout(() => { query.cancel(); console.log("end") }, 100)`,
    ],
    [
      "backing off from a server that refuses",
      (forwarder: Forwarder) => forwarder.refuse(),
      `await pool.runQuery("select 1").catch(() => console.log("end"));`,
    ],
  ])("F23 %s: the process ends", async (_, harm, program) => {
    await using database = await target.createDatabase();
    await using forwarder = await Forwarder.before(database.connectArgs);
    harm(forwarder);
    expect(await run(target, forwarder.through(database.connectArgs), program)).toBe("end\n");
  });

  test("F23 its idle connections killed and its goodbye unheard: it ends, and was not harmed", async () => {
    await using database = await target.createDatabase();
    const program = `
      await pool.start();
      console.log("started");
      while (pool.stats.losses < 2) await new Promise((go) => setTimeout(go, 20));
      console.log("end");`;
    const said = await run(target, database.connectArgs, program, "", () => database.killSessions());
    expect(said).toBe("started\nend\n");
  });
});
