import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { describeEach, TARGETS } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  test("select, insert, update, delete and transactions through Drizzle", async () => {
    await using database = await target.createDatabase();
    const sqlite = `sqlite:${database.connectArgs}?driver=${target.name}`;
    const url = target.server === undefined ? sqlite : database.connectArgs;
    await using program = ChildProgram.example("drizzle", [], { DATABASE_URL: url });
    const { status, output } = await program.ended();
    expect(output).toContain("{ id: 1, name: 'James Bond', gadgets: 3 }");
    expect(output).not.toContain("Emma Peel");
    expect(output).toContain("rolled back: UniqueViolation");
    expect(output).toContain("James Bond: 4, Maxwell Smart: 2, Modesty Blaise: 5\n");
    expect(status).toBe(0);
  });
});
