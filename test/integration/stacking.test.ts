/**
 * What may share a connection in flight, and what may not: each test hangs or fails when its rule is taken out.
 * docs/decisions/0004 says which rule is where; those that a server cannot show at will are in
 * test/faults/stacking-rules.test.ts.
 */
import {
  type ConnectionPool,
  type Deferred,
  NotSupportedError,
  ProgrammingError,
  StatementTimeout,
  type Transaction,
} from "adbapi";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS, TARGETS, type Target, withPool } from "../support/targets.js";

/** Stackable, and not to be run twice: it calls a function, so nobody rescues it from behind a stuck one. */
const BOUND = "select abs(1) as one";
/** Stackable, and free to go elsewhere. */
const FREE = "select b from other where id = 1";
/** Stackable, and stuck as long as the second of the tables that `withStuckHead` locks is not given back. */
const LOCKED = "select abs(c) from second where id = 1";
/** Runs before a text can be known at all; on a busy machine it takes more until it is known as fast. */
const RUNS = 3;
const MOST_RUNS = 1_000;
const FAST_MILLIS = 4;
/** Bounds what would hang. */
const LIMIT = { timeoutMillis: 10_000 };

describeEach(SERVER_TARGETS, (target) => {
  describe("nothing is sent behind", () => {
    test("a write, which may wait for a row lock", () =>
      lockHolderGetsThrough(target, "update t set a = a + 1 where id = 1"));

    test("a select with a locking clause", () =>
      lockHolderGetsThrough(target, "select a from t where id = 1 for update"));

    test.runIf(target.server === "postgres")("a data-modifying CTE", () =>
      lockHolderGetsThrough(
        target,
        "with w as (update t set a = a + 1 where id = 1 returning a) select a from w",
      ),
    );

    test("BEGIN, which would swallow it", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        await furnish(pool);
        await know(pool, BOUND);
        await know(pool, "begin");
        const before = ask(pool, 5);
        const begin = pool.runOperation("begin");
        const after = ask(pool, 5);
        await expect(begin).rejects.toThrow(ProgrammingError);
        expect(await Promise.all([...before, ...after])).toHaveLength(10);
      });
    });
  });

  test("what is stacked behind a stuck statement goes elsewhere, and its late answer is dropped", () =>
    withStuckHead(target, { max: 3 }, async ({ pool, head, free, unlock }) => {
      const stacked = pool.runQuery<{ b: number }>(FREE);
      expect(pool.stats.waiting).toBe(0); // it is on the connection of the stuck one
      free();
      expect(await stacked).toEqual([{ b: 7 }]);
      expect(head.called).toBe(false);
      unlock();
      await head;
      expect(await pool.runQuery(FREE)).toEqual([{ b: 7 }]);
    }));

  test("a cancel of one in flight harms neither those ahead nor those behind", () =>
    withStuckHead(target, { max: 3, pipeline: 8 }, async ({ pool, head, free, unlock }) => {
      const neighbours = ask(pool, 2);
      const given = pool.runQuery(BOUND);
      const behind = ask(pool, 2);
      given.cancel();
      await expect(given).rejects.toThrow("cancelled");
      unlock();
      expect(await head).toEqual([{ a: 0 }]);
      free();
      expect(await Promise.all([...neighbours, ...behind])).toHaveLength(4);
    }));

  test("nor does a cancel of the head", () =>
    withStuckHead(target, { max: 3, pipeline: 8 }, async ({ pool, head, free, unlock }) => {
      const behind = ask(pool, 3);
      head.cancel();
      await expect(head).rejects.toThrow("cancelled");
      expect(await Promise.all(behind)).toHaveLength(3);
      unlock();
      free();
    }));

  test("the time of a stacked statement begins when it reaches the head", () =>
    withStuckHead(target, { max: 3 }, async ({ pool, head, free, unlock }) => {
      const stacked = pool.runQuery(BOUND, undefined, { timeoutMillis: 3_000 });
      expect(pool.stats.waiting).toBe(0);
      await pause(3_500);
      expect(stacked.called).toBe(false);
      unlock();
      await head;
      expect(await stacked).toHaveLength(1);
      free();
    }));

  test("and it does begin there", () =>
    withStuckHead(target, { max: 3 }, async ({ pool, head, free, unlock }) => {
      const stacked = pool.runQuery(LOCKED, undefined, { timeoutMillis: 300 });
      expect(pool.stats.waiting).toBe(0);
      await pause(500);
      unlock();
      await head;
      await expect(stacked).rejects.toThrow(StatementTimeout);
      free();
    }));
});

describeEach(TARGETS, (target) => {
  test("work is served in the order asked, statements and interactions alike", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      await furnish(pool);
      await know(pool, BOUND);
      const begun: number[] = [];
      const asked = Array.from({ length: 30 }, (_, n) =>
        n % 3 === 1
          ? pool.runInteraction({ readOnly: true }, () => void begun.push(n))
          : pool.runQuery(BOUND).addCallback(() => void begun.push(n)),
      );
      await Promise.all(asked);
      expect(begun).toEqual(asked.map((_, n) => n));
    });
  });

  test("a stream of statements does not starve an interaction, nor interactions a statement", async () => {
    await withPool(target, { max: 1 }, async (pool) => {
      await furnish(pool);
      await know(pool, BOUND);
      let flowing = true;
      let statements = 0;
      let interactions = 0;
      const flow = async () => {
        while (flowing) {
          await pool.runQuery(BOUND);
          statements++;
        }
      };
      const rush = async () => {
        while (flowing) {
          await pool.runInteraction({ readOnly: true }, (transaction) => transaction.runQuery(BOUND));
          interactions++;
        }
      };
      const streams = Array.from({ length: 20 }, flow);
      try {
        // Each is served after those that were asked before it: so many, whatever is asked meanwhile. (On a second
        // connection others are served beside it.)
        for (let n = 0; n < 10; n++) {
          const before = statements;
          await pool.runInteraction({ readOnly: true }, () => {});
          expect(statements - before).toBeLessThan(20 + 2 * 64);
        }
        streams.push(...Array.from({ length: 20 }, rush));
        for (let n = 0; n < 10; n++) {
          const before = interactions;
          await pool.runQuery(BOUND);
          expect(interactions - before).toBeLessThan(2 * 20);
        }
      } finally {
        flowing = false;
        await Promise.all(streams);
      }
    });
  });
});

describeEach(
  SERVER_TARGETS.filter(({ server }) => server === "postgres"),
  (target) => {
    test("nothing is sent behind a slow statement", async () => {
      await withPool(target, { max: 2 }, async (pool) => {
        await furnish(pool);
        const slow = "select pg_sleep($1)";
        for (let n = 0; n < RUNS; n++) await pool.runQuery(slow, [0.03]);
        await know(pool, BOUND);
        await using other = await hold(pool);
        const running = pool.runQuery(slow, [3]);
        await pause(20);
        const waiting = pool.runQuery(BOUND);
        other.release();
        await waiting;
        expect(running.called).toBe(false);
        running.cancel();
        await expect(running).rejects.toThrow("cancelled");
      });
    });

    test("COPY, which would end the session with all behind it, is refused and harms nobody", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        await furnish(pool);
        await know(pool, BOUND);
        for (const copy of [
          "copy t from stdin",
          "/* hidden */ copy t from stdin",
          "/* hidden */ copy t to stdout",
        ]) {
          const before = ask(pool, 5);
          const refused = pool.runOperation(copy);
          const after = ask(pool, 5);
          await expect(refused).rejects.toThrow(NotSupportedError);
          expect(await Promise.all([...before, ...after])).toHaveLength(10);
        }
        expect(pool.stats.losses).toBe(0);
      });
    });

    test("a name is used only once the server has answered its Parse", async () => {
      await withPool(target, { max: 1 }, async (pool) => {
        await furnish(pool);
        const sql = "select b + $1::integer as sum from other";
        await know(pool, BOUND);
        // The second of these runs is the last without a name: the burst is where it gets one.
        for (let n = 0; n < 2; n++) await pool.runQuery(sql, [n]);
        const burst = Array.from({ length: 20 }, (_, n) => pool.runQuery<{ sum: number }>(sql, [n]));
        const rows = (await Promise.all(burst)).flat();
        expect(rows.map(({ sum }) => sum)).toEqual(burst.map((_, n) => 7 + n));
      });
    });
  },
);

/**
 * The holder of a row lock asks the pool for something while a statement waits for that lock, and no other connection
 * is free. If what it asks for were sent behind the one that waits, both would wait for each other.
 */
async function lockHolderGetsThrough(target: Target, waitsForLock: string): Promise<void> {
  await withPool(target, { max: 3 }, async (pool) => {
    await furnish(pool);
    await know(pool, waitsForLock);
    await know(pool, BOUND);
    await pool.runInteraction(LIMIT, async (transaction) => {
      await transaction.runOperation("update t set a = 10 where id = 1");
      const waiting = pool.runQuery(waitsForLock);
      waiting.addErrback(() => {}); // it fails with the interaction, if that does
      const other = await hold(pool);
      await pause(50);
      const asked = pool.runQuery(BOUND);
      await pause(50);
      other.release();
      expect(await asked).toHaveLength(1);
    });
  });
}

interface StuckHead {
  readonly pool: ConnectionPool;
  /** Waits for a table that is locked. */
  readonly head: ReturnType<ConnectionPool["runQuery"]>;
  /** Gives a connection back to the pool, which has none free until then, and the second table with it. */
  free(): void;
  unlock(): void;
}

/** A statement known as fast that is stuck at the head of its connection, the only one that others can be put on. */
async function withStuckHead(
  target: Target,
  options: { readonly max: 3; readonly pipeline?: number },
  use: (stuck: StuckHead) => Promise<void>,
): Promise<void> {
  await withPool(target, { pipeline: 2, ...options }, async (pool) => {
    await furnish(pool);
    const sql = "select a from t where id = 1";
    await know(pool, sql);
    await know(pool, BOUND);
    await know(pool, FREE);
    await know(pool, LOCKED);
    await using locker = await lock(pool, target, "t");
    await using other = await lock(pool, target, "second");
    const head = pool.runQuery(sql);
    await eventually("waiting", () => pool.stats.waiting, 0);
    await use({ pool, head, free: () => other.release(), unlock: () => locker.release() });
  });
}

async function furnish(pool: ConnectionPool): Promise<void> {
  await pool.runOperation("create table t (id integer primary key, a integer not null)");
  await pool.runOperation("insert into t values (1, 0)");
  await pool.runOperation("create table other (id integer primary key, b integer not null)");
  await pool.runOperation("insert into other values (1, 7)");
  await pool.runOperation("create table second (id integer primary key, c integer not null)");
}

/**
 * Until the pool must have taken it for a fast one: what it measures is a part of what is measured here, in the same
 * running mean.
 */
async function know(pool: ConnectionPool, sql: string): Promise<void> {
  let mean: number | undefined;
  for (let n = 0; n < RUNS || (mean! > FAST_MILLIS && n < MOST_RUNS); n++) {
    const started = performance.now();
    await pool.runQuery(sql).addErrback((failure) => failure.trap(ProgrammingError));
    const took = performance.now() - started;
    mean = mean === undefined ? took : mean + (took - mean) * 0.2;
  }
}

function ask(pool: ConnectionPool, times: number) {
  return Array.from({ length: times }, () => pool.runQuery(BOUND));
}

interface Held extends AsyncDisposable {
  release(): void;
}

/** A connection taken out of the pool until it is released. */
function hold(
  pool: ConnectionPool,
  prepare?: (transaction: Transaction) => PromiseLike<unknown>,
): Promise<Held> {
  return held((untilReleased) =>
    pool.runInteraction(LIMIT, async (transaction) => {
      await prepare?.(transaction);
      await untilReleased();
    }),
  );
}

/** Nobody else can read the table until it is released. */
function lock(pool: ConnectionPool, target: Target, table: string): Promise<Held> {
  if (target.server === "postgres")
    return hold(pool, (transaction) => transaction.runOperation(`lock table ${table}`));
  return held((untilReleased) =>
    pool.runWithConnection(LIMIT, async (connection) => {
      const cursor = connection.cursor();
      await cursor.execute(`lock tables ${table} write`);
      await untilReleased();
      await cursor.execute("unlock tables");
    }),
  );
}

/** What `begin` starts, once it waits to be released. */
function held(begin: (untilReleased: () => Promise<void>) => Deferred<void>): Promise<Held> {
  return new Promise((resolve, reject) => {
    const over = begin(
      () =>
        new Promise((release) => {
          resolve({
            release,
            async [Symbol.asyncDispose]() {
              release();
              await over;
            },
          });
        }),
    );
    over.addErrback((failure) => reject(failure.value));
  });
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
