/** Numbered and named params, and values that SQLite itself finds wrong, the same through both packages. */
import { expect, test } from "vitest";
import { describeEach, FILE_TARGETS, withPool } from "../../support/targets.js";

describeEach(FILE_TARGETS, (target) => {
  test.each([
    ["select ?1 as a, ?2 as b", ["x", "y"], { a: "x", b: "y" }],
    ["select ?2 as a, ?1 as b", ["x", "y"], { a: "y", b: "x" }],
    ["select ?1 as a, ?1 as b, ?2 as c", ["x", null], { a: "x", b: "x", c: null }],
    ["select ?1 as a, ? as b", ["x", "y"], { a: "x", b: "y" }],
    ["select ? as a, ?2 as b, ? as c", [1, 2, 3], { a: 1, b: 2, c: 3 }],
    ["select ? as a, ?1 as b", ["x"], { a: "x", b: "x" }],
    ["select ?1 as a, typeof(?1) as t, 5 / ?2 as q", [1, 2], { a: 1, t: "integer", q: 2 }],
    ["select ?1 as a, ?2 as b", { 1: "x", 2: "y" }, { a: "x", b: "y" }],
    ["select ?3 as a", { 3: "x" }, { a: "x" }],
    ["select :1 as a, @b as b, $c as c", { 1: "x", b: "y", c: "z" }, { a: "x", b: "y", c: "z" }],
    // One value of the object is for all that share its name.
    ["select :a as a, @a as b, $a as c", { a: "x" }, { a: "x", b: "x", c: "x" }],
    ["select :a as a, @a as b, ?3 as c", { a: "x", 3: "y" }, { a: "x", b: "x", c: "y" }],
    ["select '?1 :a' as a, \"?2\" as b, [?3] as c, ?1 as d -- ?9\n from t /* ?8 */", ["x"], undefined],
  ])("%s with %j", (sql, params, row) =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation('create table t ("?2" int, "?3" int)');
      const [found] = await pool.runQuery(sql, params);
      expect(found).toEqual(row);
      await pool.runInteraction(async (t) => {
        expect((await t.runQuery(sql, params))[0]).toEqual(row);
        const streamed: unknown[] = [];
        for await (const one of t.runStream(sql, params)) streamed.push(one);
        expect(streamed[0]).toEqual(row);
      });
    }),
  );

  test.each([
    ["select ?1, ?2", ["x"]],
    ["select ?1, ?2", ["x", "y", "z"]],
    ["select ?1, ?2", undefined],
    ["select ?2", ["x", "y"]],
    ["select ?1, :a", ["x", "y"]],
    ["select ?1, ?2", { 1: "x" }],
    ["select ?1", { 1: "x", 2: "y" }],
    ["select ?1, ?", { 1: "x" }],
    ["select :a", {}],
    ["select 1", { a: 1 }],
  ])("%s with %j is refused", (sql, params) =>
    withPool(target, { max: 1 }, async (pool) => {
      await expect(pool.runQuery(sql, params)).rejects.toMatchObject({ name: "ProgrammingError" });
    }),
  );

  test("numbers in executeMany", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("create table t (a, b)");
      await pool.runInteraction((t) =>
        t.executeMany("insert into t values (?2, ?1)", [
          ["a", 1],
          ["b", 2],
        ]),
      );
      expect(await pool.runQuery("select a, b from t")).toEqual([
        { a: 1, b: "a" },
        { a: 2, b: "b" },
      ]);
    }));

  test.each([
    ["select abs(?) as a", [-(2n ** 63n)]],
    ["select sum(v) as s from (select 9223372036854775807 as v union all select 1)", []],
    ["select json(?) as j", ["{"]],
    ["select jsonb(?) as j", ["[1"]],
    ["select ? -> '$' as j", ["nope"]],
    ["select * from json_each(?)", ["{"]],
    ["insert into t values (json(?))", ["{"]],
    ["select json_object(1, 2) as j", []],
    ["select 1 like 2 escape ? as l", ["aa"]],
    ["select 1 like ? as l", ["%".repeat(60_000)]],
    ["select ntile(0) over () as n", []],
    ["select sum(1) over (rows ? preceding) as n", [-1]],
  ])("%s: DataError", (sql, params) =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("create table t (a)");
      await expect(pool.runQuery(sql, params)).rejects.toMatchObject({
        name: "DataError",
        code: "SQLITE_ERROR",
      });
      await expect(pool.runQuery("select no_such_function(1)")).rejects.toMatchObject({
        name: "ProgrammingError",
      });
    }),
  );

  test("a text that is longer than a JavaScript string can be is a DataError, and the session is used again", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const long = "cast(zeroblob(536870889) as text)";
      const asked = [
        pool.runQuery(`select ${long} as v`),
        pool.runInteraction((t) => t.runQuery(`select ${long} as v`)),
        (async () => {
          for await (const row of pool.runStream(`select ${long} as v`)) expect(row).toBeUndefined();
        })(),
      ];
      for (const one of await Promise.allSettled(asked))
        expect(one).toMatchObject({ reason: { name: "DataError" } });
      expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
    }));
});
