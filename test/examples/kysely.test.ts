import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";

test("the timer ticks on while the database works", async () => {
  await using program = ChildProgram.example("kysely", []);
  const { status, output } = await program.ended();
  expect(output).toContain("James Bond has 3 gadgets");
  expect(output).toContain("CancelledError");
  const [blocked, ours] = [...output.matchAll(/ticked (\d+) times/g)].map(([, ticks]) => Number(ticks));
  expect(blocked).toBe(0);
  expect(ours).toBeGreaterThan(10);
  expect(status).toBe(0);
});
