/** PostgreSQL: an interaction of one select and one update, 16 at once. */
import { ConnectionPool } from "adbapi";
import pg from "pg";
import postgres from "postgres";
import { fill, server, someId } from "./data.js";
import { type Contender, compare } from "./harness.js";

const SELECT = "select stock from items where id = $1";
const UPDATE = "update items set stock = stock + 1 where id = $1";

export default async function question(): Promise<string> {
  const url = await server("postgres");
  if (url === undefined) return "### PostgreSQL: no server\n";
  const filler = new ConnectionPool("pg", url);
  await fill(filler);
  await filler.close();
  return compare({
    title: "PostgreSQL, interaction of a select and an update, 16 at once, pool of 8",
    concurrency: 16,
    contenders: [ours(url), byHand(url), postgresJs(url)],
    budgets: [
      { ours: "adbapi", peer: "pg.Pool by hand", least: 1.3 },
      { ours: "adbapi", peer: "postgres.js begin", least: 1.1 },
    ],
  });
}

function ours(url: string): Contender {
  const pool = new ConnectionPool("pg", url, { min: 8, max: 8 });
  return {
    name: "adbapi",
    once: (n) =>
      pool.runInteraction(async (transaction) => {
        await transaction.runQuery(SELECT, [someId(n)]);
        await transaction.runOperation(UPDATE, [someId(n)]);
      }),
    close: () => pool.close(),
  };
}

function byHand(connectionString: string): Contender {
  const pool = new pg.Pool({ connectionString, max: 8 });
  return {
    name: "pg.Pool by hand",
    async once(n) {
      const client = await pool.connect();
      try {
        await client.query("BEGIN");
        await client.query(SELECT, [someId(n)]);
        await client.query(UPDATE, [someId(n)]);
        await client.query("COMMIT");
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

function postgresJs(url: string): Contender {
  const sql = postgres(url, { max: 8, onnotice: () => {} });
  return {
    name: "postgres.js begin",
    once: (n) =>
      sql.begin(async (transaction) => {
        await transaction`select stock from items where id = ${someId(n)}`;
        await transaction`update items set stock = stock + 1 where id = ${someId(n)}`;
      }),
    close: () => sql.end(),
  };
}
