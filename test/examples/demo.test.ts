/** `npm run demo`, as a user runs it. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ConnectionPool } from "adbapi";
import { describe, expect, onTestFinished, test } from "vitest";
import { Forwarder } from "../support/forwarder.js";
import { describeEach, SERVER_TARGETS } from "../support/targets.js";

const LAST_TABLE = ["id name city gadgets", "7 James Bond Istanbul 3", "86 Maxwell Smart New York 3"];

describe("on SQLite", () => {
  test("prints three tables, and leaves no file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "adbapi-test-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { status, output, errors } = await demo([], { TMPDIR: folder });
    expect(errors).toBe("");
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
      const { status, output, errors } = await demo([server.connectArgs]);
      expect(errors).toBe("");
      expect(status).toBe(0);
      expect(tablesIn(output)[2]).toEqual(LAST_TABLE);
    }
  });

  test("leaves nothing when it fails half-way", async () => {
    await using server = await target.createDatabase();
    await using forwarder = await Forwarder.before(server.connectArgs);
    void forwarder.cutBefore("Los Angeles");
    const { status, errors } = await demo([forwarder.through(server.connectArgs)]);
    expect(errors).toContain("ConnectionLost");
    expect(status).toBe(1);
    expect((await demo([server.connectArgs])).status).toBe(0);
  });

  test("leaves a database alone that is there already", async () => {
    await using server = await target.createDatabase();
    await using pool = ConnectionPool.fromUrl(server.connectArgs, { max: 1 });
    await pool.runOperation("create database agentdata");
    const { status, errors } = await demo([server.connectArgs]);
    expect(errors).toContain("agentdata");
    expect(status).toBe(1);
    await pool.runOperation("drop database agentdata");
  });
});

async function demo(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ["--import", "tsx", "examples/demo.ts", ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once("close", resolve)),
  ]);
  return { status, output, errors };
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
