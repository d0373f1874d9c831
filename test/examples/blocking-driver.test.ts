/** `npm run example blocking-driver`, as a user runs it. */
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";

test("a folder of CSV files is pooled: committed, rolled back, queried with params", async () => {
  await using child = ChildProgram.example("blocking-driver");
  const { status, output } = await child.ended();
  expect(status, output).toBe(0);
  expect(output).toBe(`rolled back: Error: not a planet any more
Earth: 1
Mars: 2
Saturn: 274
Mars has 2 moons
`);
});
