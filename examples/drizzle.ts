/**
 * Drizzle over its proxy drivers: PostgreSQL, MySQL, MariaDB or SQLite, with transactions.
 *
 *     npm run example drizzle                       SQLite, in memory
 *     DATABASE_URL=postgres://… npm run example drizzle
 */
import { ConnectionPool, type Queryable } from "adbapi";
import { eq, sql } from "drizzle-orm";
import {
  bigint,
  datetime,
  date as mysqlDate,
  mysqlTable,
  timestamp as mysqlTimestamp,
  varchar,
} from "drizzle-orm/mysql-core";
import { drizzle as mysqlProxy } from "drizzle-orm/mysql-proxy";
import {
  date as pgDate,
  integer as pgInteger,
  pgTable,
  text as pgText,
  timestamp as pgTimestamp,
  serial,
} from "drizzle-orm/pg-core";
import { drizzle as pgProxy } from "drizzle-orm/pg-proxy";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { drizzle as sqliteProxy } from "drizzle-orm/sqlite-proxy";

// The recipe, first part: a pool whose dates come as the server's text, for Drizzle reads that itself, as UTC.

/** PostgreSQL's date, timestamp, timestamptz and interval, then arrays of timestamp, date, timestamptz and interval. */
const AS_TEXT = new Set([1082, 1114, 1184, 1186, 1115, 1182, 1185, 1187]);

async function poolFor(url: string): Promise<ConnectionPool> {
  if (/^postgres(ql)?:/.test(url)) {
    const { types } = (await import("pg")).default;
    const getTypeParser = (oid: number) => (AS_TEXT.has(oid) ? String : types.getTypeParser(oid));
    return new ConnectionPool("pg", { connectionString: url, types: { getTypeParser } }) as ConnectionPool;
  }
  if (!/^(mysql|mariadb):/.test(url)) return ConnectionPool.fromUrl(url);
  const own = new URL(url);
  own.searchParams.set("dateStrings", "true");
  return ConnectionPool.fromUrl(own, {
    // In which the server gives a `timestamp`.
    openfun: (connection) => connection.cursor().execute("set time_zone = '+00:00'"),
  });
}

// Second part: one function each, that makes Drizzle's database of a pool or of a transaction of it.

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

/**
 * MySQL's inserts tell the generated key, in the place of rows. A `date` is written as a Date, which drivers would send
 * in local time.
 */
const onMysql = (on: Queryable) =>
  mysqlProxy(async (sql, given, method) => {
    const params = given.map((param) => (param instanceof Date ? param.toISOString().slice(0, -1) : param));
    if (method === "all") return { rows: await rowsOf(on, sql, params, method) };
    const { rows, columns, rowCount, lastInsertId = 0 } = await on.runStatement(sql, params);
    // A number when that is exact, else a bigint.
    return { rows: columns.length > 0 ? rows : [{ insertId: lastInsertId, affectedRows: rowCount }] };
  });

// Its use. Drizzle's types differ from database to database, and so do its tables.

const agents = {
  postgres: pgTable("drizzle_agent", {
    id: serial("id").primaryKey(),
    name: pgText("name").notNull(),
    gadgets: pgInteger("gadgets"),
    born: pgDate("born", { mode: "date" }),
    since: pgTimestamp("since"),
    seen: pgTimestamp("seen", { withTimezone: true }),
  }),
  mysql: mysqlTable("drizzle_agent", {
    id: bigint("id", { mode: "number" }).primaryKey().autoincrement(),
    name: varchar("name", { length: 40 }).notNull(),
    gadgets: bigint("gadgets", { mode: "number" }),
    born: mysqlDate("born"),
    since: datetime("since"),
    seen: mysqlTimestamp("seen"),
  }),
  sqlite: sqliteTable("drizzle_agent", {
    id: integer("id").primaryKey(),
    name: text("name").notNull(),
    gadgets: integer("gadgets"),
    born: integer("born", { mode: "timestamp" }),
    since: integer("since", { mode: "timestamp" }),
    seen: integer("seen", { mode: "timestamp" }),
  }),
};

const COLUMNS = {
  postgres: "id serial primary key, born date, since timestamp, seen timestamptz",
  mysql: "id serial primary key, born date, since datetime, seen timestamp null",
  sqlite: "id integer primary key, born integer, since integer, seen integer",
};

const pool = await poolFor(process.env.DATABASE_URL ?? "sqlite::memory:");
const dialect = pool.dialect ?? "sqlite";
// One of three in the types, so that the story is told once.
const open = { postgres: onPostgres, mysql: onMysql, sqlite: onSqlite }[dialect] as typeof onSqlite;
const agent = agents[dialect] as typeof agents.sqlite;

try {
  const db = open(pool);
  await pool.runOperation("drop table if exists drizzle_agent");
  await pool.runOperation(
    `create table drizzle_agent (${COLUMNS[dialect]}, name varchar(40) not null unique, gadgets integer)`,
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
  const { id, name, gadgets } = agent;
  console.log(await db.select({ id, name, gadgets }).from(agent).orderBy(id));

  const dates = {
    born: new Date("1920-11-11"),
    since: new Date("1953-04-13T23:30:00Z"),
    seen: new Date("2006-11-14T20:07:00Z"),
  };
  await db.update(agent).set(dates).where(eq(name, "James Bond"));
  const { born, since, seen } = agent;
  console.log(await db.select({ born, since, seen }).from(agent).where(eq(name, "James Bond")));

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
