// @ts-nocheck: it is run beside an installed adbapi, whose types are tested elsewhere.
// Run by each runtime, in a folder where adbapi is installed: checks.js DRIVER URL
// Prints a line of JSON for each driver: what works, and the reason where something does not. Ends by itself.
import { CancelledError, ConnectionPool, StatementTimeout, UniqueViolation } from "adbapi";

/** A check that takes longer than this hangs. */
const LIMIT_MILLIS = 15_000;

const [driver, url] = process.argv.slice(2);
const table = `adbapi_runtimes_${process.pid}`;
const pool = ConnectionPool.fromUrl(url, { min: 1, max: 4 });
const mark = (n) => (pool.paramstyle === "numeric" ? `$${n}` : "?");
const sqlite = pool.dialect === "sqlite";

const checks = {
  async statements() {
    await pool.runOperation(`drop table if exists ${table}`);
    await pool.runOperation(
      `create table ${table} (id integer primary key, name varchar(40) unique, gadgets int)`,
    );
    await pool.runOperation(`insert into ${table} values (7, 'James Bond', 5), (86, 'Maxwell Smart', 1)`);
    const insert = `insert into ${table} values (${mark(1)}, ${mark(2)}, ${mark(3)})`;
    const told = await pool
      .runOperation(insert, [8, "James Bond", 0])
      .addCallback(() => "inserted")
      .addErrback((failure) => failure.trap(UniqueViolation) && "there is one already");
    equal(told, "there is one already");
  },
  async interaction() {
    const change = (by, id) => `update ${table} set gadgets = gadgets + (${by}) where id = ${id}`;
    await pool.runInteraction(async (transaction) => {
      await transaction.runOperation(change(-2, 7));
      await transaction.runOperation(change(2, 86));
    });
    const failed = pool.runInteraction(async (transaction) => {
      await transaction.runOperation(change(100, 7));
      throw new Error("no");
    });
    equal(await failed.then(undefined, (error) => error.message), "no");
    equal(await gadgets(), "3,3");
  },
  async stream() {
    const many = sqlite
      ? "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) select i from n"
      : `select ${table}.id as i from ${table}, (${new Array(100).fill("select 1 as x").join(" union all ")}) as a, (${new Array(25).fill("select 1 as y").join(" union all ")}) as b`;
    let count = 0;
    for await (const row of pool.runStream(many)) if (row.i > 0) count++;
    equal(count, 5000);
    for await (const _ of pool.runStream(many)) break;
    equal(await gadgets(), "3,3");
  },
  async cancel() {
    const control = new AbortController();
    const slow = pool.runQuery(SLOW[pool.dialect], undefined, { signal: control.signal });
    setTimeout(() => control.abort(), 300);
    const error = await slow.then(
      () => undefined,
      (reason) => reason,
    );
    equal(error instanceof CancelledError, true);
    const late = await pool.runQuery(SLOW[pool.dialect], undefined, { timeoutMillis: 300 }).then(
      () => undefined,
      (reason) => reason,
    );
    equal(late instanceof StatementTimeout, true);
    equal(await gadgets(), "3,3");
  },
  async "nested interactions"() {
    await pool.runInteraction(async (outer) => {
      await outer.runInteraction(async (inner) => {
        await inner.runQuery("select 1");
        await Promise.resolve().then(() =>
          outer.runOperation(`update ${table} set gadgets = 4 where id = 7`),
        );
      });
    });
    equal(await gadgets(), "4,3");
  },
  async "the caller's stack"() {
    const asked = async () => {
      await pool.runQuery(`select * from no_${table}`);
    };
    const { stack } = await asked().then(undefined, (error) => error);
    if (!/checks\.js:\d+/.test(stack)) throw new Error("it does not lead there");
  },
  async close() {
    await pool.runOperation(`drop table ${table}`);
    await pool.runInteraction(async (transaction) => {
      await transaction.runQuery("select 1");
      await Promise.resolve().then(() => pool.close());
    });
    await pool.close();
  },
};

const SLOW = {
  postgres: "select pg_sleep(60)",
  mysql: "select sleep(60)",
  sqlite: "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n",
};

async function gadgets() {
  const rows = await pool.runQuery(`select gadgets from ${table} order by id`);
  return rows.map((row) => Number(row.gadgets)).join();
}

function equal(found, expected) {
  if (found !== expected) throw new Error(`${found}, not ${expected}`);
}

function bounded(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${LIMIT_MILLIS / 1000} s`)), LIMIT_MILLIS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const works = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    await bounded(check());
    works[name] = true;
  } catch (error) {
    // The table says what is so on the whole line, and not on this version of it.
    const message = error.message.replace(/, and this is v[\d.]+/, "");
    works[name] = error.name === "Error" ? message : `${error.name}: ${message}`;
    if (name === "statements") break;
  }
}
console.log(JSON.stringify({ driver, works }));
