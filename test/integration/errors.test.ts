/** What the real servers raise, through the pool: class, code, the caller's line, and nothing of the params. */
import { inspect } from "node:util";
import {
  AdbapiError,
  CheckViolation,
  type ConnectionPool,
  DatabaseError,
  DataError,
  DeadlockDetected,
  ForeignKeyViolation,
  IntegrityError,
  NotNullViolation,
  ProgrammingError,
  UniqueViolation,
} from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type UsePool, withPool } from "../support/targets.js";

const SECRET = "not-for-the-logs-0815";

describeEach(TARGETS, (target) => {
  const withSchema = (use: UsePool<void>) =>
    withPool(target, { max: 2 }, async (pool, database) => {
      await pool.runOperation("create table teams (id integer primary key)");
      await pool.runOperation(`create table agents (
        id integer primary key, name varchar(60) unique, age integer not null, team integer,
        check (age > 0), foreign key (team) references teams (id))`);
      await pool.runOperation(insert, [1, "taken", 30, null]);
      await use(pool, database);
    });
  const insert = target.sql("insert into agents (id, name, age, team) values (?, ?, ?, ?)");

  const cases: readonly [what: string, sql: string, params: unknown[], Class: typeof AdbapiError][] = [
    ["a duplicate key", insert, [1, SECRET, 30, null], UniqueViolation],
    ["a duplicate in a unique column", insert, [2, "taken", 30, null], UniqueViolation],
    ["a parent that is not there", insert, [2, SECRET, 30, 99], ForeignKeyViolation],
    ["a missing value", insert, [2, SECRET, null, null], NotNullViolation],
    ["a value that a check refuses", insert, [2, SECRET, -1, null], CheckViolation],
    ["no such table", "select * from nowhere", [], ProgrammingError],
    ["no such column", "select nothing from agents", [], ProgrammingError],
    ["no SQL at all", "selekt 1", [], ProgrammingError],
    ["too few params", insert, [2], ProgrammingError],
  ];

  for (const [what, sql, params, Class] of cases) {
    test(`${what}: ${Class.name}`, () =>
      withSchema(async (pool) => {
        const single = await failureOf(pool.runOperation(sql, params));
        const inside = await failureOf(
          pool.runInteraction((transaction) => transaction.runOperation(sql, params)),
        );
        for (const error of [single, inside]) {
          expect(error).toBeInstanceOf(Class);
          expect(error.name).toBe(Class.name);
          expect(error.sql).toBe(sql);
          expect(error.message).not.toBe("");
          expect(error.retryable).toBe(false);
          expect(everythingOf(error)).not.toContain(SECRET);
        }
        if (single instanceof DatabaseError && what !== "too few params") {
          expect(single.code).toMatch(/\w/);
          expect(single.cause).toBeInstanceOf(Error);
        }
      }));
  }

  test("a value out of range is a DataError", async () => {
    if (target.server === undefined) return; // SQLite's columns take any value
    await withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("create table numbers (small smallint not null)");
      const error = await failureOf(pool.runOperation("insert into numbers values (70000)"));
      expect(error).toBeInstanceOf(DataError);
      expect(error.sqlState).toBe("22003");
    });
  });

  test("a missing foreign key is an IntegrityError, a DatabaseError and an AdbapiError too", () =>
    withSchema(async (pool) => {
      const error = await failureOf(pool.runOperation(insert, [2, "x", 30, 99]));
      for (const Class of [IntegrityError, DatabaseError, AdbapiError, Error])
        expect(error).toBeInstanceOf(Class);
    }));

  test("the stack of an error that ends a stream leads to the line that reads it", () =>
    withSchema(async (pool) => {
      async function theReader(stream: AsyncIterable<unknown>) {
        for await (const _ of stream);
      }
      async function theReaderOfOneRow() {
        return await pool.runStream("select * from no_such_table").next();
      }
      const table = "select * from no_such_table";
      const failures = [
        () => theReader(pool.runStream(table)),
        () => pool.runInteraction((transaction) => theReader(transaction.runStream(table))),
        () => theReader(pool.runStream("select 1", [], { signal: AbortSignal.abort() })),
        () => theReader(pool.runStream("")),
      ];
      for (const fail of failures) {
        const error: unknown = await fail().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        const { name, message, stack } = error as Error;
        expect(stack).toContain("theReader");
        expect(stack?.startsWith(`${name}: ${message}`)).toBe(true);
      }
      const one = await failureOf(theReaderOfOneRow());
      expect(one.stack).toContain("theReaderOfOneRow");
    }));

  test("the stack of an awaited error leads to the caller's line", () =>
    withSchema(async (pool) => {
      async function theCallerOfAQuery() {
        await pool.runQuery("select * from nowhere");
      }
      async function theCallerInATransaction() {
        await pool.runInteraction(async function theFunction(transaction) {
          await transaction.runQuery("select * from nowhere");
        });
      }
      const single = await failureOf(theCallerOfAQuery());
      expect(single.stack).toContain("theCallerOfAQuery");
      expect(single.stack).toContain("errors.test");
      const inside = await failureOf(theCallerInATransaction());
      expect(inside.stack).toContain("theFunction");
    }));

  test("a deadlock takes one of two, who is told that it may try again", async () => {
    if (target.singleWriter) return; // there is nobody to lock each other out
    await withPool(target, { max: 2 }, async (pool) => {
      await pool.runOperation("create table pairs (id integer primary key, n integer)");
      await pool.runOperation("insert into pairs values (1, 0), (2, 0)");
      const results = await Promise.allSettled(deadlock(pool, 0));
      const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
      expect(failures).toHaveLength(1);
      expect(failures[0]).toBeInstanceOf(DeadlockDetected);
      expect(failures[0]).toMatchObject({ retryable: true });

      await Promise.all(deadlock(pool, 5)); // and with retries both get through
      expect(pool.stats.retries).toBeGreaterThan(0);
      expect(await pool.runQuery("select n from pairs order by id")).toEqual([{ n: 3 }, { n: 3 }]);
    });
  });

  /** Two interactions that lock two rows in opposite order. */
  function deadlock(pool: ConnectionPool, retries: number) {
    const touch = target.sql("update pairs set n = n + 1 where id = ?");
    let bothHaveOne!: () => void;
    let waiting = 2;
    const both = new Promise<void>((resolve) => {
      bothHaveOne = resolve;
    });
    return [
      [1, 2],
      [2, 1],
    ].map(([first, second]) =>
      pool.runInteraction({ retries }, async (transaction) => {
        await transaction.runOperation(touch, [first]);
        if (--waiting === 0) bothHaveOne();
        await both;
        await transaction.runOperation(touch, [second]);
      }),
    );
  }
});

async function failureOf(work: PromiseLike<unknown>): Promise<AdbapiError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AdbapiError);
  return error as AdbapiError;
}

function everythingOf(error: AdbapiError): string {
  return [inspect(error, { depth: 12, showHidden: true }), error.stack, JSON.stringify(error)].join("\n");
}
