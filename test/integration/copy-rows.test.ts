/** Many rows into a table, all or nothing. */
import { Readable } from "node:stream";
import {
  CancelledError,
  type ConnectionPool,
  DataError,
  InterfaceError,
  NotNullViolation,
  ProgrammingError,
  UniqueViolation,
} from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, withPool } from "../support/targets.js";

const COLUMNS = ["id", "name"];

function* numbered(from: number, to: number): Generator<[number, string | null]> {
  for (let id = from; id <= to; id++) yield [id, id % 7 === 0 ? null : `n${id}`];
}

function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error,
  );
}

describeEach(TARGETS, (target) => {
  const create = (pool: ConnectionPool) =>
    pool.runOperation("create table agents (id integer primary key, name varchar(40))");
  const count = async (pool: ConnectionPool) =>
    Number((await pool.runQuery<{ n: unknown }>("select count(*) as n from agents"))[0]!.n);

  test("rows come from iterables, async iterables and streams, as arrays and objects", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await create(pool);
      expect(await pool.copyRows("agents", COLUMNS, [])).toEqual({ rowCount: 0 });
      expect(await pool.copyRows("agents", COLUMNS, numbered(1, 2_345))).toEqual({ rowCount: 2_345 });
      const objects = async function* () {
        yield { name: "a", id: 3_001, more: 1 };
        yield { id: 3_002, name: null };
      };
      expect(await pool.copyRows("agents", COLUMNS, objects())).toEqual({ rowCount: 2 });
      const stream = Readable.from([
        [3_003, "c"],
        [3_004, "d'\"`\\"],
      ]);
      expect(await pool.copyRows("agents", COLUMNS, stream)).toEqual({ rowCount: 2 });
      expect(await count(pool)).toBe(2_349);
      expect(
        await database.observe("select id, name from agents where id in (6, 7) or id > 3000 order by id"),
      ).toEqual([
        { id: 6, name: "n6" },
        { id: 7, name: null },
        { id: 3_001, name: "a" },
        { id: 3_002, name: null },
        { id: 3_003, name: "c" },
        { id: 3_004, name: "d'\"`\\" },
      ]);
    }));

  test("an array that the source fills again for each row is taken as it was", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await create(pool);
      const again = function* () {
        const row: unknown[] = [];
        for (const id of [1, 2, 3]) {
          row[0] = id;
          row[1] = `n${id}`;
          yield row;
        }
      };
      await pool.copyRows("agents", COLUMNS, again());
      expect(await database.observe("select name from agents order by id")).toEqual([
        { name: "n1" },
        { name: "n2" },
        { name: "n3" },
      ]);
    }));

  test("the source is asked for no more than a lot ahead, and progress is told", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await create(pool);
      let asked = 0;
      let most = 0;
      const told: number[] = [];
      const counted = function* () {
        for (const row of numbered(1, 3_500)) {
          asked++;
          most = Math.max(most, asked - (told.at(-1) ?? 0));
          yield row;
        }
      };
      const onProgress = ({ rowCount }: { rowCount: number }) => void told.push(rowCount);
      await pool.copyRows("agents", COLUMNS, counted(), { onProgress });
      expect(told).toEqual([1_000, 2_000, 3_000, 3_500]);
      expect(most).toBeLessThanOrEqual(1_000);
    }));

  test("names are identifiers, whatever is in them", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      const q = pool.dialect === "mysql" ? "`" : '"';
      await pool.runOperation(
        `create table ${q}Two Words${q} (${q}order${q} integer, ${q}a${q}${q}b${q} integer)`,
      );
      await pool.copyRows("Two Words", ["order", `a${q}b`], [[1, 2]]);
      expect(await database.observe(`select ${q}order${q} as o from ${q}Two Words${q}`)).toEqual([{ o: 1 }]);
    }));

  test("B49 a row that the database refuses is named, and nothing is kept", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("create table agents (id integer primary key, name varchar(40) not null)");
      const twice = function* () {
        for (let id = 1; id <= 1_500; id++) yield [id === 1_200 ? 7 : id, "n"];
      };
      const error = await failure(pool.copyRows("agents", COLUMNS, twice()));
      expect(error).toBeInstanceOf(UniqueViolation);
      expect(error).toMatchObject({ rowNumber: 1_200, message: expect.stringMatching(/\(row 1200\)$/) });
      expect(Object.keys(error as object)).not.toContain("stack");
      const missing = await failure(
        pool.copyRows("agents", COLUMNS, [
          [1, "n"],
          [2, null],
        ]),
      );
      expect(missing).toBeInstanceOf(NotNullViolation);
      expect(missing).toMatchObject({ rowNumber: 2 });
      expect(await count(pool)).toBe(0);
    }));

  test("B49 a row that cannot be bound, of another length, without a value, or none at all, is named", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await create(pool);
      const bad: readonly unknown[] = [
        [2],
        [2, "b", 3],
        { id: 2 },
        [2, undefined],
        [2, () => 1],
        2,
        null,
        "ab",
      ];
      for (const row of bad) {
        const error = await failure(pool.copyRows("agents", COLUMNS, [[1, "a"], row, [3, "c"]] as never));
        expect(error).toBeInstanceOf(DataError);
        expect(error).toMatchObject({ rowNumber: 2 });
      }
      expect(await count(pool)).toBe(0);
    }));

  test("B49 a source that fails in the middle, by a throw or as a stream that is destroyed, keeps nothing", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await create(pool);
      const mine = new Error("mine");
      const throwing = function* () {
        yield* numbered(1, 1_500);
        throw mine;
      };
      expect(await failure(pool.copyRows("agents", COLUMNS, throwing()))).toBe(mine);
      const destroyed = async function* () {
        yield* numbered(1, 1_500);
        stream.destroy(mine);
        yield [1_501, "n"];
      };
      const stream = Readable.from(destroyed());
      expect(await failure(pool.copyRows("agents", COLUMNS, stream))).toBe(mine);
      const onProgress = () => {
        throw mine;
      };
      expect(await failure(pool.copyRows("agents", COLUMNS, numbered(1, 5), { onProgress }))).toBe(mine);
      expect(await count(pool)).toBe(0);
    }));

  test("B49 it is left half-way by its signal, also while the source gives nothing, and the source is told", () =>
    withPool(target, { max: 1 }, async (pool) => {
      await create(pool);
      const aborter = new AbortController();
      let returned = false;
      let go = () => {};
      const silent = new Promise<void>((resolve) => {
        go = resolve;
      });
      const source = async function* () {
        try {
          yield* numbered(1, 1_500);
          aborter.abort(new Error("enough"));
          await silent;
          yield* numbered(1_501, 5_000);
        } finally {
          returned = true;
        }
      };
      const error = await failure(pool.copyRows("agents", COLUMNS, source(), { signal: aborter.signal }));
      expect(error).toBeInstanceOf(CancelledError);
      expect(await count(pool)).toBe(0);
      go();
      await expect.poll(() => returned).toBe(true);
    }));

  test("B49 what is wrong in the call is said at once, and nothing is begun", () =>
    withPool(target, { max: 1 }, async (pool) => {
      const calls: readonly (readonly [unknown, unknown, unknown, unknown?])[] = [
        ["a\0b", COLUMNS, []],
        ["", COLUMNS, []],
        [["a", "b", "c"], COLUMNS, []],
        [undefined, COLUMNS, []],
        ["agents", [], []],
        ["agents", undefined, []],
        ["agents", ["id", "a\0"], []],
        ["agents", ["id", "\ud800"], []],
        ["agents", COLUMNS, "ab"],
        ["agents", COLUMNS, undefined],
        ["agents", COLUMNS, [], { rowMode: "array" }],
      ];
      for (const call of calls)
        expect(await failure(pool.copyRows(...(call as Parameters<typeof pool.copyRows>)))).toBeInstanceOf(
          InterfaceError,
        );
      expect(pool.stats.size).toBe(0);
      expect(await failure(pool.copyRows("nowhere", COLUMNS, [[1, "a"]]))).toBeInstanceOf(ProgrammingError);
    }));

  test("in a transaction it fails alone, and lasts with the rest", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await create(pool);
      const rolledBack = pool.runInteraction(async (transaction) => {
        await transaction.copyRows("agents", COLUMNS, [[1, "a"]]);
        await transaction.copyRows("agents", COLUMNS, numbered(2, 1_002));
        await transaction.copyRows("agents", COLUMNS, [[1_002, "again"]]);
      });
      await expect(rolledBack).rejects.toBeInstanceOf(UniqueViolation);
      expect(await count(pool)).toBe(0);
      await pool.runInteraction(async (transaction) => {
        await transaction.copyRows("agents", COLUMNS, [[1, "a"]]);
        const rows = [
          [2, "b"],
          [1, "again"],
        ];
        const error = await failure(transaction.copyRows("agents", COLUMNS, rows));
        expect(error).toMatchObject({ rowNumber: 2 });
        await transaction.copyRows("agents", COLUMNS, [[3, "c"]]);
      });
      expect(await database.observe("select id from agents order by id")).toEqual([{ id: 1 }, { id: 3 }]);
    }));
});
