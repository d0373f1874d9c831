/** The kinds of work: what each asks of the pool, and what it tells the ledger. */
import { type Deferred, type Transaction, UniqueViolation } from "adbapi";
import { type Asking, Interrupter } from "./interrupter.js";
import { outcomeOf } from "./ledger.js";
import { ACCOUNTS, NUMBERS, type Place } from "./place.js";
import type { Random } from "./random.js";

type Work = (place: Place, random: Random) => Promise<void>;

class Regret extends Error {}

/** One statement that writes. */
const insert: Work = async (place, random) => {
  const { ledger, pool, target } = place;
  const work = ledger.open("insert");
  // Where the database can wait, a part of them are slow enough to be hit in their middle.
  const slowly = target.sleepSql !== undefined && random.chance(0.1);
  const ask = slowly
    ? (asking: Asking) => pool.runOperation(slowInsert(place), [work], asking.options)
    : (asking: Asking) => pool.runOperation(place.sql(INSERT), [work, 0, null, null, 0], asking.options);
  await told(place, work, () => interrupted(place, random, "statements", ask));
};

/** One that reads, whose answer nobody else's can be. */
const read: Work = async (place, random) => {
  const id = random.between(0, NUMBERS - 1);
  const sql = place.sql("select square, id from numbers where id = ?");
  const ask = ({ options }: Asking) =>
    place.pool.runQuery<{ square: number; id: number }>(sql, [id], options);
  const rows = await interrupted(place, random, "statements", ask);
  if (rows.length !== 1 || Number(rows[0]!.id) !== id || Number(rows[0]!.square) !== id * id) {
    place.figures.violated(`asked for the square of ${id}, got ${JSON.stringify(rows)}`);
  }
};

/** One that fails, for a reason of its own. */
const fail: Work = async (place, random) => {
  const ask = ({ options }: Asking) =>
    place.pool.runOperation(place.sql("insert into numbers values (?, 0)"), [1], options);
  try {
    await interrupted(place, random, "statements", ask);
    place.figures.violated("a number was inserted twice");
  } catch (error) {
    if (!(error instanceof UniqueViolation)) throw error;
  }
};

/** Waits, and is usually not waited for. */
const slow: Work = async (place, random) => {
  const { target, pool } = place;
  const timeoutMillis = random.between(1, 100);
  const sql = target.sleepSql?.(random.between(1, 20) / 100) ?? target.endlessSql;
  await interrupted(place, random, "statements", () => pool.runQuery(sql, undefined, { timeoutMillis }));
};

/** Moves money between two accounts; some deadlock, and are run again. */
const transfer: Work = async (place, random) => {
  const { ledger, pool } = place;
  const work = ledger.open("transfer");
  const [source, sink, amount] = [account(random), account(random), random.between(1, 9)];
  const regrets = random.chance(0.05);
  const retries = random.between(0, 3);
  const move = async (transaction: Transaction) => {
    const update = place.sql("update accounts set balance = balance + ? where id = ?");
    await transaction.runOperation(update, [-amount, source], innerOptions(random));
    await transaction.runOperation(place.sql(INSERT), [work, 0, source, sink, amount]);
    await transaction.runOperation(update, [amount, sink]);
    await mayDie(place, random, transaction);
    if (regrets) throw new Regret("on second thoughts");
  };
  await told(place, work, () =>
    interrupted(place, random, "interactions", ({ options }) =>
      pool.runInteraction({ ...options, retries }, move),
    ),
  );
};

/** Parts that can fail alone. */
const nested: Work = async (place, random) => {
  const { ledger, pool } = place;
  const kept = ledger.open("nested, kept", 2);
  const undone = ledger.open("nested, undone");
  ledger.undone(undone);
  const write = (transaction: Transaction, work: number, part: number) =>
    transaction.runOperation(place.sql(INSERT), [work, part, null, null, 0]);
  const both = async (transaction: Transaction) => {
    await write(transaction, kept, 0);
    try {
      await transaction.runInteraction(async (inner) => {
        await write(inner, undone, 0);
        throw new Regret("not this part");
      });
    } catch (error) {
      if (!(error instanceof Regret)) throw error;
    }
    await transaction.runInteraction((inner) => write(inner, kept, 1));
  };
  const retries = random.between(0, 2);
  await told(place, kept, () =>
    interrupted(place, random, "interactions", ({ options }) =>
      pool.runInteraction({ ...options, retries }, both),
    ),
  );
};

/** One text for many rows. */
const many: Work = async (place, random) => {
  const { ledger, pool } = place;
  const parts = random.between(1, 50);
  const work = ledger.open("many", parts);
  const rows = Array.from({ length: parts }, (_, part) => [work, part, null, null, 0]);
  await told(place, work, () =>
    interrupted(place, random, "interactions", ({ options }) =>
      pool.runInteraction(options, (transaction) => transaction.executeMany(place.sql(INSERT), rows)),
    ),
  );
};

/** Two transactions on one connection: the first lasts, whatever becomes of the second. */
const twice: Work = async (place, random) => {
  const { ledger, pool } = place;
  const first = ledger.open("first of two");
  const second = ledger.open("second of two");
  let firstTold = false;
  const both = () =>
    interrupted(place, random, "interactions", ({ options }) =>
      pool.runWithConnection(options, async (connection) => {
        const cursor = connection.cursor();
        await cursor.execute(place.sql(INSERT), [first, 0, null, null, 0]);
        await connection.commit();
        if (!firstTold) ledger.acknowledged(first);
        firstTold = true;
        await cursor.execute(place.sql(INSERT), [second, 0, null, null, 0]);
      }),
    );
  try {
    await told(place, second, both);
  } catch (error) {
    // Unless its own commit was answered before, what is told of the whole is told of the first too.
    if (!firstTold) ledger.failed(first, error);
    firstTold = true;
    throw error;
  }
};

/** Rows in order and without a gap, to the end or to where it is left. */
const stream: Work = async (place, random) => {
  const { pool, figures } = place;
  const from = random.between(0, NUMBERS - 1);
  const enough = random.chance(0.3) ? random.between(0, 400) : NUMBERS;
  const interrupter = new Interrupter(random);
  figures.count("streams");
  let expected = from;
  const sql = place.sql("select id, square from numbers where id >= ? order by id");
  try {
    for await (const { id } of pool.runStream<{ id: number }>(sql, [from], interrupter.options)) {
      if (Number(id) !== expected++) figures.violated(`a stream gave ${id} instead of ${expected - 1}`);
      if (expected - from >= enough) return;
    }
    if (expected !== NUMBERS) figures.violated(`a stream ended at ${expected}, and said nothing`);
  } finally {
    interrupter.over();
  }
};

export const WORK: readonly (readonly [weight: number, work: Work])[] = [
  [30, insert],
  [30, read],
  [5, fail],
  [3, slow],
  [20, transfer],
  [6, nested],
  [4, many],
  [5, twice],
  [5, stream],
];

const INSERT = "insert into entries (work, part, source, sink, amount) values (?, ?, ?, ?, ?)";

function slowInsert(place: Place): string {
  return place.target.server === "postgres"
    ? "insert into entries (work, part, amount) select $1::integer, 0, 0 from pg_sleep(0.02)"
    : "insert into entries (work, part, amount) select ?, sleep(0.02), 0";
}

function account(random: Random): number {
  return random.between(0, ACCOUNTS - 1);
}

/** A few statements of a transaction have no time to spare. */
function innerOptions(random: Random) {
  return random.chance(0.02) ? { timeoutMillis: random.between(1, 10) } : {};
}

/** Where there is no server to be killed, threads die. */
async function mayDie(place: Place, random: Random, transaction: Transaction): Promise<void> {
  if (place.server !== undefined || !random.chance(0.01)) return;
  const when = random.pick(["now", "before commit", "after commit"]);
  place.figures.count("thread deaths");
  await transaction.runQuery(`select 'die ${when}'`);
}

/** Runs the work, and tells the ledger how it ended. */
async function told(place: Place, work: number, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    place.ledger.failed(work, error);
    throw error;
  }
  place.ledger.acknowledged(work);
}

/** Asks, may change its mind, and sees to it that there is exactly one answer. */
async function interrupted<T>(
  place: Place,
  random: Random,
  kind: "statements" | "interactions",
  ask: (asking: Asking) => Deferred<T>,
): Promise<T> {
  place.figures.count(kind);
  const interrupter = new Interrupter(random);
  try {
    return await interrupter.follow(place.figures, ask);
  } finally {
    interrupter.over();
  }
}

/** What may happen to anyone's work, and says so; anything else is a fault of the library or of this program. */
export function isExpected(error: unknown): boolean {
  return (
    error instanceof Regret ||
    outcomeOf(error) !== undefined ||
    EXPECTED.has((error as Error).constructor.name)
  );
}

const EXPECTED: ReadonlySet<string> = new Set([
  "PoolTimeout",
  "OperationalError",
  "DeadlockDetected",
  "SerializationFailure",
  "LockNotAvailable",
  "TransactionAborted",
]);
