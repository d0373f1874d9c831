/** The code in README.md, as a reader would run it. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";

const readme = readFileSync("README.md", "utf8");

test("the twenty lines run, and do what they say", async () => {
  const code = /```ts\n(.*?)```/s.exec(readme)![1]!;
  expect(code.trim().split("\n").length).toBeLessThanOrEqual(22);
  const folder = await mkdtemp(join(tmpdir(), "adbapi-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));

  const runnable = code.replace('"agentdata.db"', JSON.stringify(join(folder, "agentdata.db")));
  await using child = new ChildProgram(["--input-type=module", "--eval", runnable]);
  const { status, output } = await child.ended();
  expect(status, output).toBe(0);
  expect(output).toContain("there is one already");
  expect(output).toContain("{ name: 'James Bond', gadgets: 3 }");
  expect(output).toContain("{ name: 'Maxwell Smart', gadgets: 3 }");
});

test("its links lead somewhere", () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path!);
  expect(links.length).toBeGreaterThan(0);
  expect(links.filter((path) => !existsSync(path))).toEqual([]);
});

test("every pool option is in the table of docs/pool.md, and no other; README's are of them", () => {
  const files = ["src/options/settings.ts", "src/pool-options.ts"];
  const source = files.map((file) => readFileSync(file, "utf8")).join("\n");
  const options = new Set([...source.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name!));
  expect(optionsIn(readFileSync("docs/pool.md", "utf8")).sort()).toEqual([...options].sort());
  const common = optionsIn(readme);
  expect(common).toContain("min");
  expect(common.filter((name) => !options.has(name))).toEqual([]);
});

/** The names in the first column of a page's table of options. */
function optionsIn(page: string): string[] {
  const table = /\| option \| default.*?\n\n/s.exec(page)![0];
  return [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  );
}
