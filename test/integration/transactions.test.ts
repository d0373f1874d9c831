/** One interaction, one transaction: committed, rolled back, nested, over. */
import {
  CheckViolation,
  type ConnectionPool,
  InterfaceError,
  NotSupportedError,
  OperationalError,
  ProgrammingError,
  type Queryable,
  succeed,
  type Transaction,
} from "adbapi";
import { expect, test } from "vitest";
import { describeEach, type PoolOptions, TARGETS, type UsePool, withPool } from "../support/targets.js";

describeEach(TARGETS, (target) => {
  const give = target.sql("update accounts set balance = balance + ? where id = ?");
  const balanceOf = async (queryable: Queryable, id: number) => {
    const select = target.sql("select balance from accounts where id = ?");
    const [row] = await queryable.runQuery<{ balance: number }>(select, [id]);
    return row?.balance;
  };

  /** Eight accounts with 100 each, and none may fall below zero. */
  const withAccounts = (use: UsePool<void>, options: PoolOptions = {}) =>
    withPool(target, options, async (pool, database) => {
      const columns = "id integer primary key, balance integer not null, check (balance >= 0)";
      await pool.runOperation(`create table accounts (${columns})`);
      await pool.runInteraction((transaction) =>
        transaction.executeMany(
          target.sql("insert into accounts values (?, ?)"),
          [1, 2, 3, 4, 5, 6, 7, 8].map((id) => [id, 100]),
        ),
      );
      await use(pool, database);
    });
  const balances = async (pool: ConnectionPool) =>
    (
      await pool.runQuery<[number]>("select balance from accounts order by id", [], { rowMode: "array" })
    ).flat();

  test("fires with what the function gave, after COMMIT, and hands on its arguments", () =>
    withAccounts(async (pool, database) => {
      const move = async (transaction: Transaction, from: number, to: number, amount: number) => {
        await transaction.runOperation(give, [-amount, from]);
        await transaction.runOperation(give, [amount, to]);
        return { from, to };
      };
      expect(await pool.runInteraction(move, 1, 2, 30)).toEqual({ from: 1, to: 2 });
      const rows = await database.observe("select balance from accounts order by id");
      expect(rows.slice(0, 2).map(({ balance }) => Number(balance))).toEqual([70, 130]);
    }));

  test("a failed statement rolls everything back, and its error is what the caller gets", () =>
    withAccounts(async (pool) => {
      const overdraw = async (transaction: Transaction) => {
        await transaction.runOperation(give, [500, 2]);
        await transaction.runOperation(give, [-500, 1]);
      };
      await expect(pool.runInteraction(overdraw)).rejects.toBeInstanceOf(CheckViolation);
      expect(await balances(pool)).toEqual([100, 100, 100, 100, 100, 100, 100, 100]);
      expect(pool.stats.rollbacks).toBe(1);
    }));

  test("an interaction sees what it wrote; nobody else does before its end", () =>
    withAccounts(async (pool, database) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.runOperation(give, [1, 1]);
        expect(await balanceOf(transaction, 1)).toBe(101);
        const [outside] = await database.observe("select balance from accounts where id = 1");
        expect(Number(outside!.balance)).toBe(100);
      });
      expect(await balanceOf(pool, 1)).toBe(101);
    }));

  test("statements that nobody waits for run in the order asked, and before COMMIT", () =>
    withAccounts(async (pool) => {
      const double = target.sql("update accounts set balance = balance * 2 where id = ?");
      await pool.runInteraction((transaction) => {
        transaction.runOperation(give, [1, 1]);
        transaction.runOperation(double, [1]);
        transaction.runOperation(give, [1, 1]);
      });
      expect(await balanceOf(pool, 1)).toBe((100 + 1) * 2 + 1);
    }));

  test("callbacks on a transaction's Deferreds take part in the interaction", () =>
    withAccounts(async (pool) => {
      const taken = pool.runInteraction((transaction) =>
        transaction
          .runQuery<{ balance: number }>("select balance from accounts where id = 1")
          .addCallback(([row]) => transaction.runOperation(give, [-row!.balance, 1]))
          .addCallback(() => succeed("taken")),
      );
      expect(await taken).toBe("taken");
      expect(await balanceOf(pool, 1)).toBe(0);
    }));

  test("64 transfers at once keep the sum", () =>
    withAccounts(async (pool) => {
      const transfers = Array.from({ length: 64 }, (_, n) => {
        const from = (n % 8) + 1;
        const to = ((n * 3 + 1) % 8) + 1;
        return pool.runInteraction({ retries: 20 }, async (transaction) => {
          const before = await balanceOf(transaction, from);
          await transaction.runOperation(give, [-1 - (n % 5), from]);
          await transaction.runOperation(give, [1 + (n % 5), to]);
          return before;
        });
      });
      await Promise.all(transfers);
      const after = await balances(pool);
      expect(after.reduce((sum, balance) => sum + balance)).toBe(800);
      const expected = Array.from({ length: 8 }, () => 100);
      for (let n = 0; n < 64; n++) {
        expected[n % 8]! -= 1 + (n % 5);
        expected[(n * 3 + 1) % 8]! += 1 + (n % 5);
      }
      expect(after).toEqual(expected);
    }));

  for (const isolation of target.isolationLevels) {
    test(`isolation ${isolation}`, () =>
      withAccounts(async (pool) => {
        expect(await pool.runInteraction({ isolation }, (transaction) => balanceOf(transaction, 1))).toBe(
          100,
        );
      }));
  }

  test("serializable interactions with retries come out as if one had run after the other", () =>
    withAccounts(async (pool) => {
      await pool.runOperation("create table tickets (n integer)");
      const count = "select count(*) as n from tickets";
      const draw = () =>
        pool.runInteraction({ isolation: "serializable", retries: 30 }, async (transaction) => {
          const [row] = await transaction.runQuery<{ n: unknown }>(count);
          await transaction.runOperation(target.sql("insert into tickets values (?)"), [Number(row!.n)]);
        });
      await Promise.all(Array.from({ length: 6 }, draw));
      const tickets = await pool.runQuery("select n from tickets order by n");
      expect(tickets).toEqual([0, 1, 2, 3, 4, 5].map((n) => ({ n })));
    }));

  test("readOnly: a write is refused by the database, and the next interaction may write", () =>
    withAccounts(
      async (pool) => {
        const writing = pool.runInteraction({ readOnly: true }, (transaction) =>
          transaction.runOperation(give, [1, 1]),
        );
        const error = await writing.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(
          [OperationalError, ProgrammingError, NotSupportedError].some((Class) => error instanceof Class),
        ).toBe(true);
        await pool.runInteraction((transaction) => transaction.runOperation(give, [1, 1]));
        expect(await balanceOf(pool, 1)).toBe(101);
      },
      { max: 1 },
    ));

  test("a nested interaction that fails takes back its own part only", () =>
    withAccounts(async (pool) => {
      await pool.runInteraction(async (transaction) => {
        await transaction.runOperation(give, [1, 1]);
        const overdraw = transaction.runInteraction(async (nested) => {
          await nested.runOperation(give, [7, 2]);
          await nested.runOperation(give, [-500, 1]);
        });
        await expect(overdraw).rejects.toBeInstanceOf(CheckViolation);
        await transaction.runOperation(give, [1, 3]);
      });
      expect((await balances(pool)).slice(0, 3)).toEqual([101, 100, 101]);
    }));

  test("nested interactions go deep, and an outer failure takes all of them back", () =>
    withAccounts(async (pool) => {
      const bug = new Error("on second thoughts");
      const deep = pool.runInteraction(async (transaction) => {
        const inner = await transaction.runInteraction((second) =>
          second.runInteraction(async (third) => {
            await third.runOperation(give, [1, 1]);
            return balanceOf(third, 1);
          }),
        );
        expect(inner).toBe(101);
        throw bug;
      });
      await expect(deep).rejects.toBe(bug);
      expect(await balanceOf(pool, 1)).toBe(100);
    }));

  test("nested interactions that are asked for at once run one after the other", () =>
    withAccounts(async (pool) => {
      await pool.runInteraction(async (transaction) => {
        const answers = await Promise.all(
          [1, 2, 3].map((id) =>
            transaction.runInteraction(async (nested) => {
              await nested.runOperation(give, [id, id]);
              return balanceOf(nested, id);
            }),
          ),
        );
        expect(answers).toEqual([101, 102, 103]);
      });
      expect((await balances(pool)).slice(0, 3)).toEqual([101, 102, 103]);
    }));

  test("a nested transaction is over with its callback, the one around it goes on", () =>
    withAccounts(async (pool) => {
      await pool.runInteraction(async (transaction) => {
        const { nested } = await transaction.runInteraction((nested) => ({ nested }));
        await expect(nested.runOperation(give, [1, 1])).rejects.toBeInstanceOf(InterfaceError);
        await transaction.runOperation(give, [5, 1]);
      });
      expect(await balanceOf(pool, 1)).toBe(105);
    }));

  test.each([{ isolation: "serializable" }, { readOnly: true }, { retries: 0 }] as const)(
    "a nested interaction is no transaction of its own: %o is refused",
    (options) =>
      withAccounts(async (pool) => {
        let ran = false;
        await pool.runInteraction(async (transaction) => {
          const nested = transaction.runInteraction(options, () => {
            ran = true;
          });
          await expect(nested).rejects.toThrow(
            `the option ${Object.keys(options)} belongs to the outermost interaction`,
          );
          await expect(nested).rejects.toBeInstanceOf(InterfaceError);
          const undefinedOptions = { isolation: undefined, readOnly: undefined, retries: undefined };
          await transaction.runInteraction(undefinedOptions, (nested) => nested.runOperation(give, [1, 1]));
        });
        expect(ran).toBe(false);
        expect(await balanceOf(pool, 1)).toBe(101);
      }),
  );

  test("after its end a transaction sends nothing, by any of its members", () =>
    withAccounts(async (pool) => {
      const { over } = await pool.runInteraction((over) => ({ over }));
      const uses = [
        () => over.runQuery("select 1"),
        () => over.runOperation(give, [1, 1]),
        () => over.runInteraction(() => 1),
        () => over.execute("select 1"),
        () => over.executeMany(give, [[1, 1]]),
        () => over.fetchOne(),
        async () => over.runStream("select 1").next(),
      ];
      for (const use of uses) await expect(use()).rejects.toBeInstanceOf(InterfaceError);
      expect(await balanceOf(pool, 1)).toBe(100);
    }));

  test("a function written for a Queryable runs on a pool and on a transaction", () =>
    withAccounts(async (pool) => {
      const total = async (queryable: Queryable) => {
        const [row] = await queryable.runQuery<{ sum: unknown }>("select sum(balance) as sum from accounts");
        return Number(row!.sum);
      };
      expect(await total(pool)).toBe(800);
      expect(await pool.runInteraction(total)).toBe(800);
    }));

  test("CREATE TABLE and what a failed interaction leaves of it", () =>
    withAccounts(async (pool) => {
      const failing = pool.runInteraction(async (transaction) => {
        await transaction.runOperation("create table extra (x integer)");
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      const rows = pool.runQuery("select * from extra");
      if (target.implicitCommitOnDdl) expect(await rows).toEqual([]);
      else await expect(rows).rejects.toBeInstanceOf(ProgrammingError);
    }));
});
