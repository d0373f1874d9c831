/** The reporter of CI: a hang has a name. */
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";

test("a run that is ended while a test hangs says which, and what has failed before", async () => {
  await using run = new ChildProgram([
    "node_modules/vitest/vitest.mjs",
    "run",
    "--config",
    "test/fixtures/hanging/vitest.config.ts",
  ]);
  await run.printed(/\*\*\* failed: \S*hangs\.ts > fails\n/);
  await run.printed(/✓.*ends\.ts/);
  run.signal("SIGTERM");
  const [told] = await run.printed(/SIGTERM from outside; running:\n( {4}.*\n)+/);
  expect(told.split("\n").slice(1, -1)).toEqual([
    expect.stringMatching(/^ {4}\S*hangs\.ts > (never ends|\(between its tests\)): for \d+ s$/),
  ]);
  expect((await run.ended()).status).not.toBe(0);
});
