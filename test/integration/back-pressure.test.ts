/**
 * A consumer that stops reading stops the database: counted are the rows that it has made, whatever buffers they lie
 * in.
 */
import { ConnectionPool } from "adbapi";
import { blockingDriver } from "adbapi/drivers/blocking";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { describeEach, SERVER_TARGETS, TARGETS, type Target, withPool } from "../support/targets.js";

/** In bytes. */
const WIDTH = 8_000;
/**
 * More rows than the buffers between the database and the consumer hold, the system's own among them, and far less than
 * there are.
 */
const BOUND = 10_000;
const ENDLESS = 100_000_000;

/** Fires with the count once it stays the same for a while: the database rests. */
async function atRest(count: () => Promise<number>): Promise<number> {
  let [last, same] = [-1, 0];
  await eventually(
    "the database rests",
    async () => {
      const now = await count();
      same = now === last ? same + 1 : 0;
      last = now;
      return same >= 10;
    },
    true,
  );
  return last;
}

async function checked(rows: AsyncIterableIterator<unknown>, made: () => Promise<number>): Promise<void> {
  await rows.next();
  const first = await atRest(made);
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(BOUND);
  // It has not ended: it goes on with who reads.
  for (let n = 0; n < BOUND; n++) await rows.next();
  const second = await atRest(made);
  expect(second).toBeGreaterThan(BOUND);
  expect(second).toBeLessThan(2 * BOUND);
  await rows.return?.();
}

describeEach(SERVER_TARGETS, (target) => {
  const postgres = target.server === "postgres";
  const sql = postgres
    ? `select nextval('made'), repeat('x', ${WIDTH}), generate_series(1, ${ENDLESS})`
    : `select nextval(made), repeat('x', ${WIDTH}) from seq_1_to_${ENDLESS}`;
  const counter = postgres
    ? "select last_value as n from made"
    : "select next_not_cached_value as n from made";

  test("rows are made no faster than they are read", () =>
    withPool(target, { max: 1 }, async (pool, database) => {
      await pool.runOperation("create sequence made");
      const made = async () => Number((await database.observe(counter))[0]!.n);
      await checked(pool.runStream(sql), made);
      await pool.runInteraction((transaction) => checkedAnew(transaction.runStream(sql), made));
    }));

  async function checkedAnew(rows: AsyncIterableIterator<unknown>, made: () => Promise<number>) {
    const before = await atRest(made);
    await checked(rows, async () => (await made()) - before);
  }
});

const isSqlite = ({ server }: Target) => server === undefined;

describeEach(TARGETS.filter(isSqlite), (target) => {
  test("rows are made no faster than they are read", async () => {
    const counter = new SharedArrayBuffer(4);
    const made = async () => Atomics.load(new Int32Array(counter), 0);
    const driver = blockingDriver(new URL("./modules/counting.mjs", import.meta.url));
    await using pool = new ConnectionPool(driver, [target.name, counter, ":memory:"], { min: 0, max: 1 });
    const rows = pool.runStream(
      `with recursive c(n) as (select 1 union all select n + 1 from c where n < ${ENDLESS}) select n, printf('%${WIDTH}d', n) from c`,
    );
    await checked(rows, made);
  });
});
