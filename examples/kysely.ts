/**
 * Kysely over SQLite, without a blocked event loop: a timer goes on ticking while a heavy query runs.
 *
 *     npm run example kysely
 */
import { ConnectionPool } from "adbapi";
import { AdbapiDialect, withSignal } from "adbapi/kysely";
import Database from "better-sqlite3";
import { type Generated, Kysely, SqliteDialect, sql } from "kysely";

interface Schema {
  agent: { id: Generated<number>; name: string; gadgets: number };
}

/** Counts to three million in the database, and tells every hundred thousand. */
const heavy = sql<{ n: number }>`
  with recursive c(n) as (select 1 union all select n + 1 from c where n < 3000000) select n from c where n % 100000 = 0`;

/** How often a timer of 10 ms fires while the query runs. */
async function ticksDuring(query: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  await query();
  clearInterval(timer);
  return ticks;
}

const pool = new ConnectionPool("better-sqlite3", ":memory:");
const db = new Kysely<Schema>({ dialect: new AdbapiDialect({ pool }) });
const blocking = new Kysely<Schema>({ dialect: new SqliteDialect({ database: new Database(":memory:") }) });
try {
  await db.schema
    .createTable("agent")
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull().unique())
    .addColumn("gadgets", "integer", (column) => column.notNull())
    .execute();

  await db.transaction().execute(async (trx) => {
    await trx.insertInto("agent").values({ name: "James Bond", gadgets: 2 }).execute();
    await trx.updateTable("agent").set({ gadgets: 3 }).where("name", "=", "James Bond").execute();
  });
  for await (const { name, gadgets } of db.selectFrom("agent").selectAll().stream()) {
    console.log(`${name} has ${gadgets} gadgets`);
  }

  await blocking.executeQuery(sql`select 1`.compile(blocking)); // opened
  console.log(
    `Kysely's own dialect: the timer ticked ${await ticksDuring(() => heavy.execute(blocking))} times`,
  );
  console.log(`AdbapiDialect: the timer ticked ${await ticksDuring(() => heavy.execute(db))} times`);

  const impatient = withSignal(db, AbortSignal.timeout(50));
  await heavy.execute(impatient).catch((error) => console.log(`${error.name}: ${error.message}`));
} finally {
  await blocking.destroy();
  await db.destroy();
}
