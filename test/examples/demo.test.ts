/** `npm run demo`, as a user runs it. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectionPool } from "adbapi";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { Forwarder } from "../support/forwarder.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";

const LAST_TABLE = ["id name city gadgets", "7 James Bond Istanbul 3", "86 Maxwell Smart New York 3"];

describe("on SQLite", () => {
  test("prints three tables, and leaves no file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "adbapi-test-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { status, output } = await demo([], { TMPDIR: folder });
    expect(status).toBe(0);
    expect(tablesIn(output)).toHaveLength(3);
    expect(tablesIn(output)[2]).toEqual(LAST_TABLE);
    // tsx keeps a cache of its own there
    expect((await readdir(folder)).filter((name) => name.startsWith("adbapi"))).toEqual([]);
  });

  test("tells what went well and what failed, with the error's class", async () => {
    const { output } = await demo([]);
    expect(output.match(/✓/g)).toHaveLength(7);
    for (const name of ["UniqueViolation", "ProgrammingError", "CheckViolation"])
      expect(output).toContain(name);
  });
});

describeEach(SERVER_TARGETS, (target) => {
  test("runs unchanged, and leaves nothing: it runs again", async () => {
    await using server = await target.createDatabase();
    for (let run = 0; run < 2; run++) {
      const { status, output } = await demo([server.connectArgs]);
      expect(status).toBe(0);
      expect(tablesIn(output)[2]).toEqual(LAST_TABLE);
    }
  });

  test("leaves nothing when it fails half-way", async () => {
    await using server = await target.createDatabase();
    await using forwarder = await Forwarder.before(server.connectArgs);
    void forwarder.cutBefore("Los Angeles");
    const { status, output } = await demo([forwarder.through(server.connectArgs)]);
    expect(output).toContain("ConnectionLost");
    expect(status).toBe(1);
    expect((await demo([server.connectArgs])).status).toBe(0);
  });

  test("leaves a database alone that is there already", async () => {
    await using server = await target.createDatabase();
    await using pool = ConnectionPool.fromUrl(server.connectArgs, { max: 1 });
    await pool.runOperation("create database agentdata");
    const { status, output } = await demo([server.connectArgs]);
    expect(output).toContain("agentdata");
    expect(status).toBe(1);
    await pool.runOperation("drop database agentdata");
  });
});

async function demo(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using child = ChildProgram.example("demo", args, env);
  return await child.ended();
}

/** Each table as its lines, the cells of a line divided by blanks. */
function tablesIn(output: string): string[][] {
  return [...output.matchAll(/┌.*?┘/gs)].map(([drawn]) =>
    drawn
      .split("\n")
      .filter((line) => line.includes("│"))
      .map((line) =>
        line
          .replace(/\s*│\s*/g, " ")
          .trim()
          .replace(/ {2,}/g, " "),
      ),
  );
}
