/** Streams in full, once for every driver: every way to end early, and what is left behind. */
import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CancelledError,
  type ConnectionPool,
  DatabaseError,
  InterfaceError,
  PoolClosed,
  ProgrammingError,
  StatementTimeout,
} from "adbapi";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS, TARGETS, type Target, withPool } from "../support/targets.js";

/** Far more rows than any buffer on the way holds. */
const ENDLESS = 300_000_000;

/** Far more than are asked for at a time, and soon read to their end: no deadline decides what becomes of a session. */
const MANY = 20_000;

const isMysql = ({ server }: Target) => server === "mysql" || server === "mariadb";

/** The numbers from 1 to `count`, made by the database one by one. */
function numbers(target: Target, count: number): string {
  if (target.server === "postgres") return `select generate_series(1, ${count}) as n`;
  if (isMysql(target)) return `select seq as n from seq_1_to_${count}`;
  return `with recursive c(n) as (select 1 union all select n + 1 from c where n < ${count}) select n from c`;
}

/** Fails at that row: a number, or a param. */
function failing(target: Target, at = "1000"): string {
  const rows = numbers(target, 5_000);
  if (target.server === "postgres") return `select 1 / (${at} - n) as q from (${rows}) t`;
  if (isMysql(target)) return `select pow(10, case n when ${at} then 9999 else 1 end) as q from (${rows}) t`;
  return `select json_extract(case n when ${at} then '{' else '1' end, '$') as q from (${rows})`;
}

/** Works for a long time, and finds nothing. SQLite's thread is deaf meanwhile, and `close()` waits for it. */
function nothing(target: Target): string {
  const rows = numbers(target, target.server === undefined ? 3_000_000 : ENDLESS);
  return isMysql(target) ? `${rows} where seq % 7 = 8` : `select n from (${rows}) t where n < 0`;
}

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const read: Row[] = [];
  for await (const row of rows) read.push(row);
  return read;
}

async function first(pool: ConnectionPool, rows: AsyncIterable<unknown>, count: number): Promise<unknown[]> {
  const read: unknown[] = [];
  for await (const row of rows) {
    read.push(row);
    if (read.length === count) break;
  }
  await handedOn(pool);
  return read;
}

/** The connection is idle, and good. */
async function handedOn(pool: ConnectionPool): Promise<void> {
  await eventually("connections in use", () => pool.stats.inUse, 0);
  expect(await pool.runQuery("select 1 as one")).toMatchObject([{ one: 1 }]);
}

describeEach(TARGETS, (target) => {
  test("every row, in order", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      let sum = 0;
      let last = 0;
      for await (const { n } of pool.runStream<{ n: number }>(numbers(target, 10_000))) {
        expect(Number(n)).toBe(last + 1);
        last = Number(n);
        sum += last;
      }
      expect(sum).toBe(50_005_000);
      await handedOn(pool);
      expect(pool.stats.connects).toBe(1);
    });
  });

  test("no rows at all, and rows as arrays", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      expect(await all(pool.runStream("select 1 as n from (select 1 as o) t where o = 2"))).toEqual([]);
      const sql = target.sql("select 'a' as x, 'b' as y from (select 1 as o) t where o = ?");
      const rows = await all(pool.runStream(sql, [1], { rowMode: "array" }));
      expect(rows).toEqual([["a", "b"]]);
    });
  });

  test("left early: the cursor is freed, and the connection stays", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      for (let round = 0; round < 3; round++) {
        expect(await first(pool, pool.runStream(numbers(target, ENDLESS)), 3)).toHaveLength(3);
      }
      expect(pool.stats.losses).toBe(0);
    });
  });

  test("an error in the loop's body is the caller's own", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      const reading = async () => {
        for await (const _ of pool.runStream(numbers(target, ENDLESS))) throw new RangeError("of the body");
      };
      await expect(reading()).rejects.toThrow(RangeError);
      await handedOn(pool);
    });
  });

  test("never begun: nothing is sent, and nothing is held", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      const stream = pool.runStream(numbers(target, ENDLESS));
      await stream.return();
      expect(pool.stats.connects).toBe(0);
      expect(await stream.next()).toEqual({ value: undefined, done: true });
    });
  });

  describe("an AbortSignal", () => {
    test("while rows are asked for", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        const controller = new AbortController();
        const { signal } = controller;
        const reading = async () => {
          let count = 0;
          for await (const _ of pool.runStream(numbers(target, ENDLESS), [], { signal })) {
            if (++count === 10) controller.abort(new Error("enough"));
          }
        };
        const error = await reading().catch((reason) => reason);
        expect(error).toBeInstanceOf(CancelledError);
        expect(error.cause).toMatchObject({ message: "enough" });
        await handedOn(pool);
      });
    });

    test("while the consumer is idle", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        const controller = new AbortController();
        const stream = pool.runStream(numbers(target, ENDLESS), [], { signal: controller.signal });
        await stream.next();
        expect(pool.stats.inUse).toBe(1);
        controller.abort();
        await handedOn(pool);
        await expect(stream.next()).rejects.toThrow(CancelledError);
        expect(await stream.next()).toEqual({ value: undefined, done: true });
      });
    });

    test("while the first row is long in coming", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        const controller = new AbortController();
        const { signal } = controller;
        const waiting = pool.runStream(nothing(target), [], { signal }).next();
        setTimeout(() => controller.abort(), 100);
        await expect(waiting).rejects.toThrow(CancelledError);
        await handedOn(pool);
      });
    });

    test("while it waits for a connection, or before", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        const holding = pool.runStream(numbers(target, ENDLESS));
        await holding.next();
        const waiting = pool.runStream("select 1", [], { signal: AbortSignal.timeout(20) }).next();
        await expect(waiting).rejects.toThrow(CancelledError);
        const never = pool.runStream("select 1", [], { signal: AbortSignal.abort() }).next();
        await expect(never).rejects.toMatchObject({ outcome: "not sent" });
        await holding.return();
        await handedOn(pool);
      });
    });
  });

  test("timeoutMillis holds for the consumer's pauses too", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      await pool.start();
      const stream = pool.runStream(numbers(target, ENDLESS), [], { timeoutMillis: 2_000 });
      await stream.next();
      await handedOn(pool);
      await expect(stream.next()).rejects.toThrow(StatementTimeout);
    });
  });

  test("an error in the midst of the rows", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      let count = 0;
      const reading = async () => {
        for await (const _ of pool.runStream(failing(target))) count++;
      };
      const error = await reading().catch((reason) => reason);
      expect(error).toBeInstanceOf(DatabaseError);
      expect(error.sql).toBe(failing(target));
      expect(count).toBeLessThan(1_000);
      await handedOn(pool);
      expect(pool.stats.losses).toBe(0);
    });
  });

  test("close() cancels one that is open when its time is over, read or not", async () => {
    await withPool(target, { max: 2 }, async (pool) => {
      const [idle, read] = [
        pool.runStream(numbers(target, ENDLESS)),
        pool.runStream(numbers(target, ENDLESS)),
      ];
      await idle.next();
      await read.next();
      const reading = all(read).catch((reason) => reason);
      await pool.close({ timeoutMillis: 50 });
      const error = await reading;
      expect(error).toBeInstanceOf(CancelledError);
      expect(error.cause).toBeInstanceOf(PoolClosed);
      await expect(idle.next()).rejects.toThrow(CancelledError);
    });
  });

  test("a statement that gives no rows is done, and gives none", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      await pool.runOperation("create table t (n integer)");
      const insert = target.sql("insert into t values (?)");
      expect(await all(pool.runStream(insert, [1]))).toEqual([]);
      expect(await all(pool.runStream(insert, [2], { rowMode: "array" }))).toEqual([]);
      await pool.runInteraction(async (transaction) => {
        expect(await all(transaction.runStream(insert, [3]))).toEqual([]);
      });
      expect(await all(pool.runStream("create table u (n integer)"))).toEqual([]);
      expect(await pool.runQuery("select n from t order by n")).toHaveLength(3);
      expect(pool.stats.losses).toBe(0);
    });
  });

  test("an error is that of its own params, and not of who asks next with the same text", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      const sql = failing(target, target.server === "postgres" ? "$1::integer" : "?");
      for (let round = 0; round < 3; round++) {
        await expect(all(pool.runStream(sql, [1_000]))).rejects.toThrow(DatabaseError);
        expect(await all(pool.runStream(sql, [0]))).toHaveLength(5_000);
        await expect(all(pool.runStream(sql, [1_000]))).rejects.toThrow(DatabaseError);
        expect(await pool.runQuery(sql, [0])).toHaveLength(5_000);
      }
    });
  });

  test("bad SQL is told to who asks for the first row", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      await expect(pool.runStream("select * from nowhere").next()).rejects.toThrow(ProgrammingError);
      await expect(pool.runStream(7 as never).next()).rejects.toThrow(InterfaceError);
      await handedOn(pool);
    });
  });

  test("two at once, interleaved", async () => {
    await withPool(target, { max: 2 }, async (pool) => {
      const [one, two] = [pool.runStream(numbers(target, 2_000)), pool.runStream(numbers(target, 2_000))];
      for (let n = 1; n <= 2_000; n++) {
        expect(Number((await one.next()).value?.n)).toBe(n);
        expect(Number((await two.next()).value?.n)).toBe(n);
      }
      expect((await one.next()).done && (await two.next()).done).toBe(true);
      await handedOn(pool);
    });
  });

  test("rows asked for ahead of their answers come in order", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      const stream = pool.runStream(numbers(target, 1_000));
      const rows = await Promise.all(Array.from({ length: 1_001 }, () => stream.next()));
      expect(rows.slice(0, 1_000).map(({ value }) => Number(value?.n))).toEqual(
        Array.from({ length: 1_000 }, (_, index) => index + 1),
      );
      expect(rows[1_000]?.done).toBe(true);
    });
  });

  test("left while rows are asked for: there are no more, and that is no error", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      await pool.start();
      const stream = pool.runStream(nothing(target));
      const waiting = stream.next();
      await sleep(100);
      expect(await stream.return()).toEqual({ value: undefined, done: true });
      expect(await waiting).toEqual({ value: undefined, done: true });
      expect(await stream.next()).toEqual({ value: undefined, done: true });
      await handedOn(pool);
    });
  });

  test("stream.Readable and web streams, to their end and left early", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      const rows = (count: number) => pool.runStream<{ n: number }>(numbers(target, count));
      expect(await Readable.from(rows(1_000)).toArray()).toHaveLength(1_000);
      const readable = Readable.from(rows(ENDLESS));
      for await (const _ of readable) break;
      await handedOn(pool);
      expect(await all(ReadableStream.from(rows(1_000)))).toHaveLength(1_000);
      const reader = ReadableStream.from(rows(ENDLESS)).getReader();
      await reader.read();
      await reader.cancel();
      await handedOn(pool);
    });
  });

  describe("in a transaction", () => {
    test("other statements are refused while it is open, and welcome after it", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        await pool.runOperation(`create table t (n ${target.types.bigint})`);
        await pool.runInteraction(async (transaction) => {
          await transaction.runOperation("insert into t values (7)");
          for await (const _ of transaction.runStream(numbers(target, MANY))) {
            await expect(transaction.runQuery("select 1")).rejects.toThrow("stream is open");
            break;
          }
          const rows = await all(transaction.runStream<{ n: number }>("select n from t"));
          expect(rows.map(({ n }) => Number(n))).toEqual([7]);
          await transaction.runOperation("insert into t values (8)");
        });
        expect(await pool.runQuery("select n from t")).toHaveLength(2);
      });
    });

    test("a statement asked while it ends, which nobody awaited, waits for that", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        await pool.runInteraction(async (transaction) => {
          const stream = transaction.runStream(numbers(target, MANY));
          await stream.next();
          void stream.return?.();
          expect(await transaction.runQuery("select 1 as one")).toHaveLength(1);
          const readable = Readable.from(transaction.runStream(numbers(target, MANY)));
          for await (const _ of readable) break;
          expect(await transaction.runQuery("select 1 as one")).toHaveLength(1);
        });
      });
    });

    test("its error is the interaction's, and everything is rolled back", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        await pool.runOperation(`create table t (n ${target.types.bigint})`);
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation("insert into t values (7)");
          for await (const _ of transaction.runStream(failing(target))) {
            // reads on
          }
        });
        await expect(work).rejects.toThrow(DatabaseError);
        expect(await pool.runQuery("select n from t")).toEqual([]);
      });
    });

    test("cancelled with the interaction, while the consumer is idle", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        const controller = new AbortController();
        const work = pool.runInteraction({ signal: controller.signal }, async (transaction) => {
          await transaction.runStream(numbers(target, ENDLESS)).next();
          controller.abort();
          await sleep(60_000, undefined, { ref: false });
        });
        await expect(work).rejects.toThrow(CancelledError);
        await handedOn(pool);
      });
    });
  });
});

describeEach(SERVER_TARGETS, (target) => {
  const working =
    target.server === "postgres"
      ? "select pid from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid() and datname = current_database()"
      : "select id from information_schema.processlist where command in ('Query', 'Execute') and id <> connection_id() and db = database()";

  test("the server is left with no open query", async () => {
    await withPool(target, { max: 2 }, async (pool, database) => {
      const busy = async () => (await database.observe(working)).length;
      const stream = pool.runStream(numbers(target, ENDLESS));
      await stream.next();
      await eventually("open queries", busy, 1);
      await stream.return();
      await eventually("open queries", busy, 0);
      const controller = new AbortController();
      const aborted = pool.runStream(numbers(target, ENDLESS), [], { signal: controller.signal });
      await aborted.next();
      controller.abort();
      await eventually("open queries", busy, 0);
    });
  });
});
