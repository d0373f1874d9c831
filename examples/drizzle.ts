/**
 * Drizzle over its proxy drivers: PostgreSQL, MySQL, MariaDB or SQLite, with transactions.
 *
 *     npm run example drizzle                       SQLite, in memory
 *     DATABASE_URL=postgres://… npm run example drizzle
 */
import { ConnectionPool, type Queryable } from "adbapi";
import { eq, sql } from "drizzle-orm";
import { bigint, mysqlTable, varchar } from "drizzle-orm/mysql-core";
import { drizzle as mysqlProxy } from "drizzle-orm/mysql-proxy";
import { integer as pgInteger, pgTable, text as pgText, serial } from "drizzle-orm/pg-core";
import { drizzle as pgProxy } from "drizzle-orm/pg-proxy";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { drizzle as sqliteProxy } from "drizzle-orm/sqlite-proxy";

// The recipe: one function each, that makes Drizzle's database of a pool or of a transaction of it.

type Method = "run" | "all" | "values" | "get" | "execute";

/** What Drizzle asks of a proxy: rows as arrays, and as objects for SQL of one's own. */
async function rowsOf(on: Queryable, sql: string, params: unknown[], method: Method): Promise<unknown[]> {
  const rowMode = method === "execute" ? "object" : "array";
  return on.runQuery(sql, params, { rowMode });
}

const onPostgres = (on: Queryable) =>
  pgProxy(async (sql, params, method) => ({ rows: await rowsOf(on, sql, params, method) }));

const onSqlite = (on: Queryable) =>
  sqliteProxy(async (sql, params, method) => {
    const rows = await rowsOf(on, sql, params, method);
    return { rows: method === "get" ? (rows[0] as never) : rows };
  });

/** MySQL's inserts tell the generated key, in the place of rows. */
const onMysql = (on: Queryable) =>
  mysqlProxy(async (sql, params, method) => {
    if (method === "all") return { rows: await rowsOf(on, sql, params, method) };
    const { rows, columns, rowCount, lastInsertId = 0 } = await on.runStatement(sql, params);
    return { rows: columns.length > 0 ? rows : [{ insertId: Number(lastInsertId), affectedRows: rowCount }] };
  });

// Its use. Drizzle's types differ from database to database, and so do its tables.

const agents = {
  postgres: pgTable("drizzle_agent", {
    id: serial("id").primaryKey(),
    name: pgText("name").notNull(),
    gadgets: pgInteger("gadgets"),
  }),
  mysql: mysqlTable("drizzle_agent", {
    id: bigint("id", { mode: "number" }).primaryKey().autoincrement(),
    name: varchar("name", { length: 40 }).notNull(),
    gadgets: bigint("gadgets", { mode: "number" }),
  }),
  sqlite: sqliteTable("drizzle_agent", {
    id: integer("id").primaryKey(),
    name: text("name").notNull(),
    gadgets: integer("gadgets"),
  }),
};

const KEYS = { postgres: "serial primary key", mysql: "serial primary key", sqlite: "integer primary key" };

const pool = ConnectionPool.fromUrl(process.env.DATABASE_URL ?? "sqlite::memory:");
const dialect = pool.dialect ?? "sqlite";
// One of three in the types, so that the story is told once.
const open = { postgres: onPostgres, mysql: onMysql, sqlite: onSqlite }[dialect] as typeof onSqlite;
const agent = agents[dialect] as typeof agents.sqlite;

try {
  const db = open(pool);
  await pool.runOperation("drop table if exists drizzle_agent");
  await pool.runOperation(
    `create table drizzle_agent (id ${KEYS[dialect]}, name varchar(40) not null unique, gadgets integer)`,
  );
  await db
    .insert(agent)
    .values([
      { name: "James Bond", gadgets: 2 },
      { name: "Maxwell Smart", gadgets: 1 },
      { name: "Emma Peel" },
    ]);
  await db.update(agent).set({ gadgets: 3 }).where(eq(agent.name, "James Bond"));
  await db.delete(agent).where(eq(agent.name, "Emma Peel"));
  console.log(await db.select().from(agent).orderBy(agent.id));

  // A transaction is the pool's: isolation, retries and cancelling as ever, and Drizzle inside.
  await pool.runInteraction({ retries: 3 }, async (transaction) => {
    const inside = open(transaction);
    await inside.insert(agent).values({ name: "Modesty Blaise", gadgets: 4 });
    await inside.update(agent).set({ gadgets: sql`${agent.gadgets} + 1` });
  });
  await pool
    .runInteraction(async (transaction) => {
      const inside = open(transaction);
      await inside.delete(agent);
      await inside.insert(agent).values([{ name: "Twin" }, { name: "Twin" }]);
    })
    .catch((error) => console.log(`rolled back: ${(((error as Error).cause ?? error) as Error).name}`));
  const found = await db.select({ name: agent.name, gadgets: agent.gadgets }).from(agent).orderBy(agent.name);
  console.log(found.map(({ name, gadgets }) => `${name}: ${gadgets}`).join(", "));
  await pool.runOperation("drop table drizzle_agent");
} finally {
  await pool.close();
}
