/**
 * What `maxResultBytes` costs, for a small result and for a large one: beside no limit, and beside rows that are read
 * one by one and counted by hand, which is how a result is bounded without it.
 */
import { once } from "node:events";
import { ConnectionPool, type PoolOptions } from "adbapi";
import Database from "better-sqlite3";
import mariadb from "mariadb";
import mysql2 from "mysql2";
import pg from "pg";
import { fill, ROWS, server, someId, sqliteFile } from "./data.js";
import { type Budget, type Contender, compare } from "./harness.js";

const MOST = 64_000_000;
const LIMITED = "adbapi, maxResultBytes";
const UNLIMITED = "adbapi, no limit";

interface Size {
  readonly title: string;
  readonly sql: (n: number) => string;
  readonly budget: (counted: string) => Budget;
}

const SIZES: readonly Size[] = [
  {
    title: "one row",
    sql: (n) => `select * from items where id = ${someId(n)}`,
    budget: () => ({ ours: LIMITED, peer: UNLIMITED, mostMore: 5 }),
  },
  {
    title: `${ROWS} rows of 5 columns`,
    sql: () => "select * from items",
    budget: (counted) => ({ ours: LIMITED, peer: counted, mostOfMain: 1 }),
  },
];

/** The package alone: gives the rows, and fails when they are too large. */
interface Reader {
  readonly name: string;
  read(sql: string): PromiseLike<unknown> | unknown;
  close(): PromiseLike<unknown> | unknown;
}

interface Source {
  readonly driver: string;
  readonly args: string;
  readonly reader: (args: string) => Reader | Promise<Reader>;
}

export default async function question(): Promise<string> {
  const { file, remove } = await sqliteFile();
  const sources: Source[] = [{ driver: "better-sqlite3", args: file, reader: betterSqlite3 }];
  const postgres = await server("postgres");
  if (postgres !== undefined) sources.push({ driver: "pg", args: postgres, reader: pgClient });
  const maria = await server("mariadb");
  if (maria !== undefined) {
    sources.push({ driver: "mysql2", args: inScheme(maria, "mysql:"), reader: mysql2Connection });
    sources.push({ driver: "mariadb", args: inScheme(maria, "mariadb:"), reader: mariadbConnection });
  }
  const report: string[] = [];
  for (const source of sources) report.push(...(await asked(source)));
  remove();
  return report.join("\n");
}

async function asked({ driver, args, reader }: Source): Promise<string[]> {
  await using filler = new ConnectionPool(driver, args);
  await fill(filler);
  const report: string[] = [];
  for (const { title, sql, budget } of SIZES) {
    const ours = (name: string, options: PoolOptions): Contender => {
      const pool = new ConnectionPool(driver, args, { ...options, min: 1, max: 1 });
      return { name, once: (n) => pool.runQuery(sql(n)), close: () => pool.close() };
    };
    const { name, read, close } = await reader(args);
    report.push(
      await compare({
        title: `A result with a limit, ${driver}, ${title}`,
        concurrency: 1,
        contenders: [
          ours(LIMITED, { maxResultBytes: MOST }),
          ours(UNLIMITED, {}),
          { name, once: (n) => read(sql(n)), close },
        ],
        budgets: [budget(name)],
        drawn: false,
      }),
    );
  }
  return report;
}

/** Takes rows as long as they are small enough. */
class Counted {
  readonly rows: object[] = [];
  #bytes = 0;

  add(row: object): void {
    for (const value of Object.values(row)) this.#bytes += typeof value === "string" ? value.length : 8;
    if (this.#bytes > MOST) throw new Error("too large");
    this.rows.push(row);
  }
}

function betterSqlite3(file: string): Reader {
  const database = new Database(file, { readonly: true });
  return {
    name: "better-sqlite3 on the main thread, rows counted",
    read: (sql) => {
      const counted = new Counted();
      for (const row of database.prepare(sql).iterate()) counted.add(row as object);
      return counted.rows;
    },
    close: () => database.close(),
  };
}

async function pgClient(url: string): Promise<Reader> {
  const client = new pg.Client(url);
  await client.connect();
  return {
    name: "pg, rows counted",
    read: async (sql) => {
      const counted = new Counted();
      const query = client.query(new pg.Query(sql));
      query.on("row", (row: object) => counted.add(row));
      await once(query, "end");
      return counted.rows;
    },
    close: () => client.end(),
  };
}

function mysql2Connection(url: string): Reader {
  const connection = mysql2.createConnection(url);
  return {
    name: "mysql2, a stream counted",
    read: async (sql) => {
      const counted = new Counted();
      for await (const row of connection.query(sql).stream()) counted.add(row);
      return counted.rows;
    },
    close: () => connection.promise().end(),
  };
}

async function mariadbConnection(url: string): Promise<Reader> {
  const connection = await mariadb.createConnection(url);
  return {
    name: "mariadb, a stream counted",
    read: async (sql) => {
      const counted = new Counted();
      for await (const row of connection.queryStream(sql)) counted.add(row);
      return counted.rows;
    },
    close: () => connection.end(),
  };
}

function inScheme(url: string, scheme: string): string {
  return url.replace(/^[a-z]+:/, scheme);
}
