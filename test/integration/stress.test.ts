/** Many statements of all kinds at once over few connections: each caller gets an answer, and it is its own. */
import { CancelledError, type ConnectionPool, DatabaseError, type Deferred } from "adbapi";
import { expect, test } from "vitest";
import { describeEach, TARGETS, type Target, withPool } from "../support/targets.js";

/**
 * For each target, with as many in flight as its driver takes by default: a hundred thousand in all. And some with one
 * at a time.
 */
const RUNS = [
  { statements: 25_000, options: { max: 4 } },
  { statements: 5_000, options: { max: 4, pipeline: 1 } },
] as const;
/** Asked for in one go; several times what the connections take. */
const BURST = 500;
const ROWS = 1_000;

interface Asked {
  readonly deferred: Deferred<unknown>;
  /** Throws if the answer is not this caller's. */
  answer(value: unknown): void;
  /** Throws if it should not have failed, or not like that. */
  failure?(error: unknown): void;
  /** Whether it may end as cancelled. */
  readonly cancels?: boolean;
}

describeEach(TARGETS, (target) => {
  test.each(RUNS)(
    "every caller gets its own answer: $statements, $options",
    {
      timeout: 120_000,
    },
    async ({ statements, options }) => {
      await withPool(target, options, async (pool, database) => {
        await furnish(pool, target);
        const asking = kinds(pool, target);
        const counts = { answered: 0, failed: 0, cancelled: 0 };
        for (let n = 0; n < statements; n += BURST) {
          const burst = Array.from({ length: BURST }, (_, i) => asking(n + i));
          await Promise.all(
            burst.map(async ({ deferred, answer, failure, cancels }) => {
              try {
                answer(await deferred);
                counts.answered++;
              } catch (error) {
                if (cancels && error instanceof CancelledError) counts.cancelled++;
                else if (failure === undefined) throw error;
                else {
                  failure(error);
                  counts.failed++;
                }
              }
            }),
          );
        }
        expect(counts.answered + counts.failed + counts.cancelled).toBe(statements);
        expect(counts.failed).toBe(statements / 10);
        expect(counts.cancelled).toBeGreaterThan(0);
        expect(pool.stats.losses).toBe(0);
        const twice = await database.observe("select n from written group by n having count(*) > 1");
        expect(twice).toEqual([]);
        const [written] = await database.observe("select count(*) as n from written");
        expect(Number(written!.n)).toBe(statements / 20);
      });
    },
  );
});

/** Of twenty: two fail, one writes, one is cancelled at times, the rest read. */
function kinds(pool: ConnectionPool, target: Target): (n: number) => Asked {
  const fails = failing(target);
  return (n) => {
    switch (n % 20) {
      case 3:
        return mayFail(fails.bad, n);
      case 11:
        return mayFail(fails.bad, n);
      case 5:
        return write(n);
      case 7:
        return cancelled(n);
      case 9:
        return mayFail(fails.good, n);
      default:
        return read(n);
    }
  };

  function read(n: number): Asked {
    const id = n % ROWS;
    const deferred = pool.runQuery(target.sql("select id, square from squares where id = ?"), [id]);
    return { deferred, answer: (rows) => expect(numbers(rows)).toEqual([{ id, square: id * id }]) };
  }

  /** One text, whose params decide whether it succeeds: so it travels with others, and fails among them. */
  function mayFail(value: number | bigint, n: number): Asked {
    const deferred = pool.runQuery(fails.sql, [value, n], { rowMode: "array" });
    return {
      deferred,
      answer: (rows) => expect((rows as unknown[][]).map((row) => row.map(Number))).toEqual([[1, n]]),
      ...(value === fails.bad && { failure: (error) => expect(error).toBeInstanceOf(DatabaseError) }),
    };
  }

  function write(n: number): Asked {
    const deferred = pool.runOperation(target.sql("insert into written values (?)"), [n]);
    return { deferred, answer: (result) => expect(result).toMatchObject({ rowCount: 1 }) };
  }

  /** At once, when it has just been sent, or never. */
  function cancelled(n: number): Asked {
    const asked = read(n);
    if (n % 3 === 0) asked.deferred.cancel();
    else if (n % 200 === 7) setImmediate(() => asked.deferred.cancel());
    return { ...asked, cancels: true };
  }
}

/** A select that fails for one value and succeeds for another. */
function failing(target: Target): { sql: string; good: number; bad: number | bigint } {
  if (target.server === undefined) {
    return { sql: "select abs(?), ?", good: 1, bad: -9223372036854775808n };
  }
  const type = target.server === "postgres" ? "::integer" : "";
  const sql = `select (select 1 from squares where id = 1 union select ?${type}), ?${type}`;
  return { sql: target.sql(sql), good: 1, bad: 2 }; // two rows where one is asked for
}

async function furnish(pool: ConnectionPool, target: Target): Promise<void> {
  await pool.runOperation("create table squares (id integer primary key, square integer not null)");
  await pool.runOperation("create table written (n integer not null)");
  const rows = Array.from({ length: ROWS }, (_, id) => [id, id * id]);
  await pool.runInteraction((transaction) =>
    transaction.executeMany(target.sql("insert into squares values (?, ?)"), rows),
  );
}

function numbers(rows: unknown): unknown {
  return (rows as { id: unknown; square: unknown }[]).map(({ id, square }) => ({
    id: Number(id),
    square: Number(square),
  }));
}
