/** Streams, straight on the contract of a driver. */
import { ConnectionLost, ProgrammingError } from "adbapi";
import { describe, expect, test } from "vitest";
import { describeDrivers, makeItems, sequence } from "../../support/mysql-drivers.js";

describeDrivers("streams", (tools) => {
  const { prefix, connect, run, rows, failure } = tools;
  makeItems(tools);

  describe("streams", () => {
    const numbers = sequence(10_000);

    test.each([
      ["text", undefined],
      ["prepared", ["x"]],
    ])("rows in batches: %s", async (_name, params) => {
      const connection = await connect();
      const sql = params === undefined ? `${numbers}` : numbers.replace("n from", "n, ? as __proto__ from");
      const statement = { sql, params, rowMode: "object" } as const;
      let count = 0;
      let last: { n: number } | undefined;
      for await (const batch of connection.stream!(statement, 100)) {
        expect(batch.length).toBeLessThanOrEqual(100);
        count += batch.length;
        last = batch.at(-1) as { n: number };
      }
      expect(count).toBe(10_000);
      if (params !== undefined) expect(Object.getOwnPropertyDescriptor(last, "__proto__")?.value).toBe("x");
      expect(connection.state).toBe("idle");
      expect(await rows(connection, "select 1 as a")).toEqual([{ a: 1 }]);
    });

    test.each([
      ["short", 1_000],
      ["without end", 100_000_000],
    ])("left early: %s", async (_name, length) => {
      const connection = await connect();
      for await (const batch of connection.stream!(
        { sql: sequence(length), params: undefined, rowMode: "array" },
        10,
      )) {
        expect(batch).toHaveLength(10);
        break;
      }
      expect(connection.state).toBe("idle");
      expect(await rows(connection, "select ? as a", ["fine"])).toEqual([{ a: "fine" }]);
    });

    test.each([
      ["bad SQL", "selekt ?", ["x"], ProgrammingError],
      ["bad SQL without params", "selekt", undefined, ProgrammingError],
      ["too many params", "select ?", [1, 2], ProgrammingError],
      ["a failure on the way", `select (select id from ${prefix}_items)`, undefined, ProgrammingError],
    ])("%s", async (_name, sql, params, errorClass) => {
      const connection = await connect();
      const stream = connection.stream!({ sql, params, rowMode: "object" }, 10);
      expect(await failure(stream.next())).toBeInstanceOf(errorClass);
      expect(connection.state).toBe("idle");
      expect(await rows(connection, "select ? as a", ["fine"])).toEqual([{ a: "fine" }]);
    });

    test("killed on the way", async () => {
      const connection = await connect();
      const killer = await connect();
      const stream = connection.stream!(
        { sql: sequence(100_000_000), params: undefined, rowMode: "array" },
        10,
      );
      await stream.next();
      await run(killer, `kill ${connection.id}`);
      const error = await failure(
        (async () => {
          for await (const _batch of stream);
        })(),
      );
      expect(error).toBeInstanceOf(ConnectionLost);
      expect(connection.state).toBe("broken");
    });
  });
});
