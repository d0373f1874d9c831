import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";

const NAMES = readdirSync("examples").flatMap((file) => /^(?!run\.)(.*)\.ts$/.exec(file)?.[1] ?? []);
const run = (...args: string[]) => new ChildProgram(["--import", "tsx", "examples/run.ts", ...args]);

test("without a name: all of them, with a line each", async () => {
  await using program = run();
  const { status, output } = await program.ended();
  const [, ...listed] = output.trim().split(/\n+/);
  expect(listed.map((line) => line.trim().split(" ")[0])).toEqual(NAMES);
  for (const line of listed) expect(line).toMatch(/^ {2}\S+ {2,}\S.{20,}/);
  expect(status).toBe(0);
});

test("by name, with its arguments", async () => {
  await using program = run("inline-callbacks");
  expect(await program.ended()).toMatchObject({ status: 0, output: expect.stringContaining("Ada owes 120") });
});

test.each(["no-such", "../examples/redis", "run", ""])("%j is none of them: status 2", async (name) => {
  await using program = run(name);
  const { status, output } = await program.ended();
  expect(output).toBe(`No example named ${name}; there are ${NAMES.join(", ")}\n`);
  expect(status).toBe(2);
});

test("each command in the cookbook names one that is there", () => {
  const commands = [...readFileSync("docs/cookbook.md", "utf8").matchAll(/npm run example ([\w-]+)/g)];
  expect(commands.length).toBeGreaterThan(5);
  expect(commands.map(([, name]) => name).filter((name) => !NAMES.includes(name!))).toEqual([]);
});
