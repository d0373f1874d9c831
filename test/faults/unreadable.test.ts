/**
 * An answer that cannot be read is its statement's affair: a type parser or a `typeCast` that throws stands for all
 * that packages throw there.
 */
import type { Socket } from "node:net";
import { ConnectionPool, DataError, type Queryable } from "adbapi";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Link, PortForwarder } from "../../examples/port-forward.js";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS, type Target } from "../support/targets.js";

/** What is thrown over the value "bad". */
const THROWN: Readonly<Record<string, () => unknown>> = {
  "an Error": () => new Error("not to be read"),
  "a frozen Error": () => Object.freeze(new TypeError("not to be read")),
  "a text": () => "not to be read",
  nothing: () => undefined,
  "an error with a code of the transport": () =>
    Object.assign(new Error("reset"), { code: "ECONNRESET", fatal: true }),
};

/** One session; the table `words` has `bad`, `good` and `other`. */
async function withReader(
  target: Target,
  thrown: () => unknown,
  use: (pool: ConnectionPool) => Promise<void>,
): Promise<void> {
  const uncaught: unknown[] = [];
  const hear = (error: unknown) => uncaught.push(error);
  process.on("uncaughtException", hear);
  onTestFinished(() => void process.off("uncaughtException", hear));
  await using database = await target.createDatabase();
  const args = target.readWith!(database.connectArgs, (value) => {
    if (String(value).startsWith("bad")) throw thrown();
    return value;
  });
  const pool = new ConnectionPool(target.name, args as never, { min: 1, max: 1 });
  await pool.runOperation("create table words (word varchar(20), n integer)");
  await pool.runOperation("insert into words values ('bad', 1), ('good', 2), ('other', 3)");
  try {
    await use(pool);
    await eventually("connections in use", () => pool.stats.inUse, 0);
    expect(await pool.runQuery("select n from words where n = 2")).toHaveLength(1);
    expect(pool.stats).toMatchObject({ waiting: 0, losses: 0, connects: 1 });
  } finally {
    await pool.close({ timeoutMillis: 10_000 });
  }
  expect(uncaught).toEqual([]);
}

const ALL = "select word, n from words order by n";
const bad = (target: Target) => target.sql("select word from words where n = ?");

/** Ways to come upon the value, each as a promise that has to fail. */
function ways(target: Target, on: Queryable): Readonly<Record<string, () => PromiseLike<unknown>>> {
  const drained = async (sql: string, params?: unknown[]) => {
    for await (const _row of on.runStream(sql, params));
  };
  return {
    "as a text": () => on.runQuery(ALL),
    "with params": () => on.runQuery(bad(target), [1]),
    "in arrays": () => on.runQuery(ALL, undefined, { rowMode: "array" }),
    "in arrays, with params": () => on.runQuery(bad(target), [1], { rowMode: "array" }),
    "where nobody wants rows": () => on.runOperation(ALL),
    "where nobody wants rows, with params": () => on.runOperation(bad(target), [1]),
    "in a stream": () => drained(ALL),
    "in a stream with params": () => drained(bad(target), [1]),
  };
}

/** Writes a count of columns that are not there before a row whose second value has its mark. */
class Garbler extends PortForwarder implements AsyncDisposable {
  readonly mark = "MARKED";

  constructor({ hostname, port }: URL) {
    super({ host: hostname, port: Number(port || 5432) });
  }

  protected override pipe(source: Socket, sink: Socket, link: Link): void {
    // A prepended listener: it changes the bytes before they are written.
    if (source === link.server) {
      source.on("data", (bytes: Buffer) => {
        const at = bytes.lastIndexOf(this.mark);
        if (at > 0) bytes.writeUInt16BE(0x7fff, at - 11);
      });
    }
    super.pipe(source, sink, link);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

describeEach(SERVER_TARGETS, (target) => {
  for (const [what, thrown] of Object.entries(THROWN)) {
    test(`F26 ${what}: that statement fails with DataError, whatever way it is asked`, () =>
      withReader(target, thrown, async (pool) => {
        for (const [way, ask] of Object.entries(ways(target, pool))) {
          const failure = await Promise.resolve(ask()).catch((error: unknown) => error);
          expect(failure, way).toBeInstanceOf(DataError);
          if (what !== "nothing") expect((failure as DataError).cause, way).toEqual(thrown());
          expect(await pool.runQuery("select word from words where n = 3"), way).toEqual([{ word: "other" }]);
        }
      }));
  }

  const thrown = THROWN["an Error"]!;

  test("F26 neighbours in the same pipeline are answered, each with their own rows", () =>
    withReader(target, thrown, async (pool) => {
      // So that nobody waits to be prepared.
      for (const n of [2, 3, 2, 3]) await pool.runQuery(bad(target), [n]);
      const answers = await Promise.allSettled(
        [2, 1, 3, 1, 1, 2].flatMap((n) => [
          pool.runQuery(bad(target), [n]).toPromise(),
          pool.runQuery(`select word, n from words where n = ${n}`).toPromise(),
        ]),
      );
      const told = answers.map((one) =>
        one.status === "fulfilled" ? (one.value as { word: string }[])[0]!.word : one.reason.name,
      );
      const right = ["good", "DataError", "other", "DataError", "DataError", "good"];
      expect(told).toEqual(right.flatMap((word) => [word, word]));
    }));

  test("F26 an interaction ends with it, and is rolled back", () =>
    withReader(target, thrown, async (pool) => {
      for (const way of Object.keys(ways(target, pool))) {
        const work = pool.runInteraction(async (transaction) => {
          await transaction.runOperation("insert into words values ('more', 4)");
          await ways(target, transaction)[way]!();
        });
        await expect(work, way).rejects.toBeInstanceOf(DataError);
        expect(await pool.runQuery("select n from words where n = 4"), way).toEqual([]);
      }
    }));

  test("F26 a caller who deals with it goes on in the same transaction", () =>
    withReader(target, thrown, async (pool) => {
      await pool.runInteraction(async (transaction) => {
        const cursor = transaction;
        await expect(cursor.execute(ALL)).rejects.toBeInstanceOf(DataError);
        await transaction.runOperation("insert into words values ('more', 4)");
      });
      await pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        await expect(cursor.execute(bad(target), [1])).rejects.toBeInstanceOf(DataError);
        await cursor.execute("select word from words where n = 4");
        expect(await cursor.fetchAll()).toEqual([{ word: "more" }]);
      });
    }));

  test("F26 what the statement did is done: a row that RETURNING could not give is there", () =>
    withReader(target, thrown, async (pool) => {
      const inserting = pool.runQuery("insert into words values ('bad', 5) returning word");
      await expect(inserting).rejects.toBeInstanceOf(DataError);
      expect(await pool.runQuery("select n from words where n = 5")).toHaveLength(1);
    }));

  // Only of pg's packages is it known what they throw over.
  test.runIf(target.server === "postgres")(
    "F26 an answer that makes no sense costs its session, and nobody else an answer",
    async () => {
      await using database = await target.createDatabase();
      await using garbler = new Garbler(new URL(database.connectArgs));
      const { port } = await garbler.listen({ host: "127.0.0.1", port: 0 });
      const url = new URL(database.connectArgs);
      url.port = String(port);
      await using pool = new ConnectionPool(target.name, url.href as never, { min: 1, max: 1 });
      for (let n = 0; n < 4; n++) await pool.runQuery("select 1 as n");
      const answers = await Promise.allSettled([
        pool.runQuery("select 1 as n").toPromise(),
        pool.runQuery(`select 5 as n, '${garbler.mark}' as m`).toPromise(),
        pool.runQuery("select 2 as n").toPromise(),
      ]);
      expect(answers.map((one) => (one.status === "fulfilled" ? one.value : one.reason.name))).toEqual([
        [{ n: 1 }],
        "DataError",
        [{ n: 2 }],
      ]);
      expect(await pool.runQuery("select 3 as n")).toEqual([{ n: 3 }]);
    },
  );

  test("F26 late in a long stream it is heard as well, and the session is free after it", () =>
    withReader(target, thrown, async (pool) => {
      const rows = Array.from({ length: 2_000 }, (_, n) => `('${n === 1_500 ? "bad" : "good"}', ${n + 10})`);
      await pool.runOperation(`insert into words values ${rows.join(", ")}`);
      const reading = (async () => {
        for await (const _row of pool.runStream("select word from words where n >= 10 order by n"));
      })();
      await expect(reading).rejects.toBeInstanceOf(DataError);
    }));
});

describe("the driver's own statements", () => {
  describeEach(SERVER_TARGETS, (target) => {
    test("F26 they do not ask what the user has to read values with: connecting, probes, resets", async () => {
      await using database = await target.createDatabase();
      const never = () => {
        throw new Error("not to be read");
      };
      const args = target.readWith!(database.connectArgs, never) as never;
      await using pool = new ConnectionPool(target.name, args, { min: 1, max: 1, goodSql: "select 1, 'x'" });
      await pool.runOperation("create table t (n integer)");
      for (let n = 0; n < 2; n++) {
        await pool.runWithConnection(async (connection) => {
          await connection.cursor().execute(`insert into t values (${n})`);
        });
      }
      await pool.runInteraction(async (transaction) => {
        await expect(transaction.runQuery("select n from t")).rejects.toBeInstanceOf(DataError);
      });
      expect(pool.stats).toMatchObject({ connects: 1, losses: 0 });
      expect(await database.observe("select * from t")).toHaveLength(2);
    });
  });
});
