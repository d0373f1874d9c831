import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { describeEach, TARGETS } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  // East and west of Greenwich: a day too early, or too late, where a date is read as local time.
  test.each(["Asia/Tokyo", "America/New_York"])(
    "select, insert, update, delete, dates and transactions through Drizzle, in %s",
    async (TZ) => {
      await using database = await target.createDatabase();
      await using program = ChildProgram.example("drizzle", [], { DATABASE_URL: database.url, TZ });
      const { status, output } = await program.ended();
      expect(output).toContain("{ id: 1, name: 'James Bond', gadgets: 3 }");
      expect(output).not.toContain("Emma Peel");
      expect(output).toContain("born: 1920-11-11T00:00:00.000Z");
      expect(output).toContain("since: 1953-04-13T23:30:00.000Z");
      expect(output).toContain("seen: 2006-11-14T20:07:00.000Z");
      expect(output).toContain("rolled back: UniqueViolation");
      expect(output).toContain("James Bond: 4, Maxwell Smart: 2, Modesty Blaise: 5\n");
      expect(status).toBe(0);
    },
  );
});
