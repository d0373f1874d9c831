import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";

const PRICES = "    anvil: 40\n    bell: 15\n    candle: 2\n    drum: 63\n";
const OWED = "  Ada owes 120, Nobody owes 0\n";

test("three styles, one result, and each is cancelled half-way", async () => {
  await using program = ChildProgram.example("inline-callbacks");
  const { status, output } = await program.ended();
  const [full, cancelled] = output.split("Cancelled half-way:\n");
  expect(full).toBe(
    ["callbacks", "inlineCallbacks", "await"].map((style) => `With ${style}:\n${PRICES}${OWED}`).join(""),
  );
  expect(cancelled?.match(/^ {2}CancelledError$/gm)).toHaveLength(3);
  expect(cancelled).not.toContain("drum");
  expect(status).toBe(0);
});

test("stops on a signal", async () => {
  await using program = ChildProgram.example("inline-callbacks");
  await program.printed(/anvil/);
  program.signal("SIGINT");
  const { status, output } = await program.ended();
  expect(output).not.toContain("half-way");
  expect(status).toBe(0);
});
