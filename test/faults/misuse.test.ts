/** The library used wrongly, over every driver: what happens to the caller, and that nobody else is harmed. */
import {
  ConnectionPool,
  InterfaceError,
  inlineCallbacks,
  NotSupportedError,
  PoolClosed,
  PoolTimeout,
  ProgrammingError,
  StatementTimeout,
  succeed,
  type Transaction,
  TransactionAborted,
} from "adbapi";
import { describe, expect, test } from "vitest";
import { describeEach, TARGETS } from "../support/targets.js";
import { type PoolOptions, type UsePool, untilOpen, withPool } from "../support/with-pool.js";

describeEach(TARGETS, (target) => {
  /**
   * A pool over one table of three rows; afterwards nothing is borrowed, waiting or open, and the pool still worked.
   */
  const withItems = (options: PoolOptions, use: UsePool<void>) =>
    withPool(target, options, async (pool, database) => {
      if (options.acquireTimeoutMillis !== undefined) await untilOpen(pool, options.min!);
      await pool.runOperation("create table items (id integer primary key, name varchar(100))");
      await pool.runOperation("insert into items values (1, 'one'), (2, 'two'), (3, 'three')");
      await use(pool, database);
      if (!pool.closed) expect(await pool.runQuery("select 1 as v")).toEqual([{ v: 1 }]);
    });
  const insert = target.sql("insert into items values (?, 'new')");
  const idsOf = async (pool: ConnectionPool) =>
    (await pool.runQuery<{ id: unknown }>("select id from items order by id")).map(({ id }) => Number(id));

  test("B25 columns of hostile names are the row's own", () =>
    withItems({}, async (pool) => {
      const [row] = await pool.runQuery<object>(
        'select 1 as "__proto__", 2 as "constructor", 3 as "toString"',
      );
      expect(Object.getOwnPropertyDescriptor(row, "__proto__")).toMatchObject({ value: 1 });
      expect(Object.getOwnPropertyDescriptor(row, "constructor")).toMatchObject({ value: 2 });
      expect([Object.prototype, null]).toContain(Object.getPrototypeOf(row));
      expect(await pool.runQuery('select 1 as "__proto__"', [], { rowMode: "array" })).toEqual([[1]]);
    }));

  test("B26 of two columns of one name an object has the last, an array both", () =>
    withItems({}, async (pool) => {
      expect(await pool.runQuery("select 1 as a, 2 as a")).toEqual([{ a: 2 }]);
      expect(await pool.runQuery("select 1 as a, 2 as a", [], { rowMode: "array" })).toEqual([[1, 2]]);
    }));

  test.each([undefined, null, "begin", 5, {}, Promise.resolve()])("B27 %s is no interaction", (fn) =>
    withItems({}, async (pool) => {
      await expect(pool.runInteraction(fn as never)).rejects.toBeInstanceOf(InterfaceError);
      await expect(pool.runWithConnection(fn as never)).rejects.toBeInstanceOf(InterfaceError);
      await expect(pool.runInteraction({}, fn as never)).rejects.toBeInstanceOf(InterfaceError);
    }),
  );

  test("B28 a callback that throws at once is rolled back, one that returns nothing is committed", () =>
    withItems({}, async (pool) => {
      const bug = new Error("a bug of the caller's");
      const throwing = (transaction: Transaction) => {
        transaction.runOperation(insert, [10]);
        throw bug;
      };
      await expect(pool.runInteraction(throwing)).rejects.toBe(bug);
      expect(await idsOf(pool)).toEqual([1, 2, 3]);
      const silent = (transaction: Transaction) => {
        transaction.runOperation(insert, [10]);
      };
      expect(await pool.runInteraction(silent)).toBe(undefined);
      expect(await idsOf(pool)).toEqual([1, 2, 3, 10]);
    }));

  test("B29 a Deferred, Promise, thenable or generator is awaited before the commit", () =>
    withItems({}, async (pool) => {
      const chained = (t: Transaction) => t.runOperation(insert, [10]).addCallback(() => succeed("deferred"));
      expect(await pool.runInteraction(chained)).toBe("deferred");
      const promised = async (t: Transaction) => (await t.runOperation(insert, [11])).rowCount;
      expect(await pool.runInteraction(promised)).toBe(1);
      const thenable = (t: Transaction): PromiseLike<string> => ({
        then: (resolve) =>
          t
            .runOperation(insert, [12])
            .then(() => "thenable")
            .then(resolve),
      });
      expect(await pool.runInteraction(thenable)).toBe("thenable");
      const generated = inlineCallbacks(function* (t: Transaction) {
        const { rowCount } = yield* t.runOperation(insert, [13]);
        return rowCount;
      });
      expect(await pool.runInteraction(generated)).toBe(1);
      expect(await idsOf(pool)).toEqual([1, 2, 3, 10, 11, 12, 13]);
    }));

  test("B29 a generator that nobody runs is refused, and nothing is committed", () =>
    withItems({}, async (pool) => {
      function* bare(t: Transaction) {
        yield t.runOperation(insert, [10]);
      }
      const refused = { name: "InterfaceError", message: expect.stringContaining("inlineCallbacks") };
      await expect(pool.runInteraction(bare)).rejects.toMatchObject(refused);
      await expect(pool.runWithConnection(function* () {})).rejects.toMatchObject(refused);
      const nested = (t: Transaction) => t.runInteraction(bare);
      await expect(pool.runInteraction(nested)).rejects.toMatchObject(refused);
      expect(await idsOf(pool)).toEqual([1, 2, 3]);
    }));

  test("B30 a callback that never settles is warned of, and ended by timeoutMillis", async () => {
    const warnings: string[] = [];
    const logger = { debug() {}, info() {}, warn: (text: string) => void warnings.push(text), error() {} };
    await withItems({ leakDetectionMillis: 50, logger }, async (pool) => {
      const stuck = pool.runInteraction({ timeoutMillis: 500 }, async function neverSettles(transaction) {
        await transaction.runOperation(insert, [10]);
        await new Promise(() => {});
      });
      await expect(stuck).rejects.toBeInstanceOf(StatementTimeout);
      expect(warnings.join("\n")).toContain("misuse.test");
      expect(await idsOf(pool)).toEqual([1, 2, 3]);
    });
  });

  test("B31 a transaction is of no use after its end", () =>
    withItems({ max: 1 }, async (pool) => {
      const leaked = await pool.runInteraction((transaction) => ({ transaction }));
      await expect(leaked.transaction.runOperation(insert, [10])).rejects.toBeInstanceOf(InterfaceError);
      await expect(leaked.transaction.runInteraction(() => 1)).rejects.toBeInstanceOf(InterfaceError);
      expect(await idsOf(pool)).toEqual([1, 2, 3]);
    }));

  test("B32 what was not awaited settles before the commit, and its failure rolls back", () =>
    withItems({}, async (pool) => {
      await pool.runInteraction((transaction) => void transaction.runOperation(insert, [10]));
      expect(await idsOf(pool)).toEqual([1, 2, 3, 10]);
      const failing = pool.runInteraction((transaction) => {
        transaction.runOperation(insert, [11]);
        transaction.runOperation("insert into no_such_table values (1)");
      });
      await expect(failing).rejects.toThrow();
      expect(await idsOf(pool)).toEqual([1, 2, 3, 10]);
    }));

  test("B33 statements of a transaction that are asked for at once run in order", () =>
    withItems({}, async (pool) => {
      const counts = await pool.runInteraction(async (transaction) => {
        const asked = [];
        for (let id = 10; id < 30; id++) {
          asked.push(transaction.runOperation(insert, [id]));
          asked.push(transaction.runQuery<{ n: unknown }>("select count(*) as n from items"));
        }
        const answers = await Promise.all(asked);
        return answers.flatMap((answer) => (Array.isArray(answer) ? [Number(answer[0]!.n)] : []));
      });
      expect(counts).toEqual(Array.from({ length: 20 }, (_, index) => 4 + index));
    }));

  test("B34 the pool used inside of its own interaction ends in a PoolTimeout that says why", async () => {
    const inside = (pool: ConnectionPool) =>
      pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await pool.runOperation(insert, [11]);
      });
    await withItems({ min: 1, max: 1, acquireTimeoutMillis: 2_000 }, async (pool) => {
      const error = await inside(pool).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(PoolTimeout);
      expect((error as Error).message).toContain("interaction");
      expect(await idsOf(pool)).toEqual([1, 2, 3]);
    });
    if (!target.singleWriter) return;
    await withItems({ min: 3, max: 3, acquireTimeoutMillis: 2_000 }, async (pool) => {
      await expect(inside(pool)).rejects.toBeInstanceOf(PoolTimeout);
    });
  });

  test("B35 a statement that leaves a transaction open is rolled back and refused", () =>
    withItems({ max: 1 }, async (pool) => {
      await expect(pool.runOperation("begin")).rejects.toBeInstanceOf(ProgrammingError);
      await expect(pool.runOperation("begin")).rejects.toThrow("runInteraction");
      await pool.runOperation(insert, [10]);
      expect(await idsOf(pool)).toEqual([1, 2, 3, 10]);
    }));

  test("B37 close twice, at once, and inside of an interaction", () =>
    withItems({}, async (pool) => {
      await pool.runInteraction(async (transaction) => {
        void pool.close();
        await transaction.runOperation(insert, [10]);
      });
      await Promise.all([pool.close(), pool.close()]);
      expect(pool.closed).toBe(true);
    }));

  test("B38 the first statement starts the pool, and a closed one refuses", () =>
    withItems({}, async (pool) => {
      await pool.close();
      for (const refused of [
        pool.runQuery("select 1"),
        pool.runOperation("select 1"),
        pool.runInteraction(() => 1),
        pool.runWithConnection(() => 1),
        pool.start(),
      ]) {
        await expect(refused).rejects.toBeInstanceOf(PoolClosed);
      }
    }));

  test("B40 commit, close and release inside of runWithConnection", () =>
    withItems({ max: 1 }, async (pool) => {
      const answer = await pool.runWithConnection(async (connection) => {
        await connection.cursor().execute(insert, [10]);
        await connection.commit();
        await connection.close();
        await connection.cursor().execute(insert, [11]);
        await connection.rollback();
        return "done";
      });
      expect(answer).toBe("done");
      expect(pool.stats).toMatchObject({ size: 1 });
      expect(await idsOf(pool)).toEqual([1, 2, 3, 10]);
    }));

  test("B41 a logger that throws is not heard", async () => {
    const bug = () => {
      throw new Error("a bug of the logger's");
    };
    const logger = { debug: bug, info: bug, warn: bug, error: bug };
    await withItems({ noisy: true, logger }, async (pool) => {
      await expect(pool.runInteraction(() => bug())).rejects.toThrow("logger");
      expect(await idsOf(pool)).toEqual([1, 2, 3]);
    });
  });

  test("an interaction that the caller ended by hand is not claimed to be committed", () =>
    withItems({}, async (pool) => {
      const ended = pool.runInteraction(async (transaction) => {
        await transaction.runOperation(insert, [10]);
        await transaction.runOperation("rollback");
      });
      await expect(ended).rejects.toBeInstanceOf(TransactionAborted);
      expect(await idsOf(pool)).toEqual([1, 2, 3]);
    }));
});

describeEach(
  TARGETS.filter(({ name }) => name === "pg"),
  (target) => {
    test.each(["copy items from stdin", "copy items to stdout"])(
      "B36 %s is not supported, and harms nobody",
      (copy) =>
        withPool(target, { max: 1 }, async (pool) => {
          await pool.runOperation("create table items (id integer primary key)");
          await expect(pool.runOperation(copy)).rejects.toBeInstanceOf(NotSupportedError);
          expect(await pool.runQuery("select count(*)::int as n from items")).toEqual([{ n: 0 }]);
        }),
    );
  },
);

describeEach(
  TARGETS.filter(({ server }) => server === undefined),
  (target) => {
    test("B45 whole numbers bind as INTEGER", () =>
      withPool(target, {}, async (pool) => {
        expect(await pool.runQuery("select 5 / ? as v, typeof(?) as t", [2, 1])).toEqual([
          { v: 2, t: "integer" },
        ]);
        await pool.runOperation("create table texts (v text)");
        await pool.runOperation("insert into texts values (?), (?)", [1, 1.5]);
        expect(await pool.runQuery("select v from texts order by v")).toEqual([{ v: "1" }, { v: "1.5" }]);
      }));
  },
);

describe("B42 B43 B44 the constructor", () => {
  const make =
    (...args: readonly unknown[]) =>
    () =>
      new ConnectionPool(...(args as ["pg", string]));

  test.each<[string, unknown]>([
    ["min", 6],
    ["max", 0],
    ["max", -1],
    ["max", Number.NaN],
    ["max", "5"],
    ["acquireTimeoutMillis", -1],
    ["idleTimeoutMillis", -1],
    ["maximum", 5],
  ])("B42 refuses %s: %s", (name, value) => {
    expect(make("pg", {}, { [name]: value })).toThrow(InterfaceError);
    expect(make("pg", {}, { [name]: value })).toThrow(name);
  });

  test.each(["../x", "node:fs", "__proto__", "constructor", "", "PG", undefined, null, 5])(
    "B43 refuses the driver %s, and lists the known ones",
    (name) => {
      expect(make(name, {})).toThrow(InterfaceError);
      expect(make(name, {})).toThrow("better-sqlite3");
    },
  );

  test.each([
    "oracle://user:SECRET@host/db",
    "postgres://user:SECRET@host/db?multipleStatements=true",
    "postgres://user:SECRET@host/db?sslrootcert=/etc/passwd",
    "mysql://user:SECRET@host/db?multipleStatements=true",
    "mysql://user:SECRET@host/db?flags=LOCAL_FILES",
    "mariadb://user:SECRET@host/db?permitLocalInfile=true",
    "postgres://user:SECRET%@host/db",
    "postgres://user:SECRET@host:port/db",
    "user:SECRET@host",
    "",
  ])("B44 refuses %s without its password", (url) => {
    const attempt = () => ConnectionPool.fromUrl(url);
    expect(attempt).toThrow(InterfaceError);
    expect(attempt).toThrow(/^(?!.*SECRET)/s);
  });
});
