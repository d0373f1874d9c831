/** PostgreSQL: point selects over a pool of 8, one at a time and 64 at once. */
import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ConnectionPool } from "adbapi";
import knex from "knex";
import pg from "pg";
import postgres from "postgres";
import { findProgram, versions } from "../test/support/programs.js";
import { fill, ROWS, server, someId } from "./data.js";
import { type Contender, compare } from "./harness.js";

const SQL = "select * from items where id = $1";
const PGBENCH = "pgbench -M prepared -c 8 -j 1";

export default async function question(): Promise<string> {
  const url = await server("postgres");
  if (url === undefined) return "### PostgreSQL: no server\n";
  const filler = new ConnectionPool("pg", url);
  await fill(filler);
  await filler.close();
  const report: string[] = [];
  for (const concurrency of [64, 1]) {
    report.push(
      await compare({
        title: `PostgreSQL, point select, ${concurrency} at once, pool of 8`,
        concurrency,
        contenders: [
          ours(url),
          pgPool(url, undefined),
          pgPool(url, "point"),
          postgresJs(url),
          knexPool(url),
          ...(concurrency === 64 ? pgbench(url) : []),
        ],
        budgets:
          concurrency === 1
            ? [
                { ours: "adbapi", peer: "pg.Pool", least: 1.2 },
                { ours: "adbapi", peer: "postgres.js", least: 0.95 },
              ]
            : [
                { ours: "adbapi", peer: "pg.Pool", least: 2.3 },
                { ours: "adbapi", peer: "postgres.js", least: 1.05 },
                ...(pgbench(url).length > 0 ? [{ ours: "adbapi", peer: PGBENCH, least: 0.75 }] : []),
              ],
      }),
    );
  }
  return report.join("\n");
}

function ours(url: string): Contender {
  const pool = new ConnectionPool("pg", url, { min: 8, max: 8 });
  return { name: "adbapi", once: (n) => pool.runQuery(SQL, [someId(n)]), close: () => pool.close() };
}

function pgPool(connectionString: string, name: string | undefined): Contender {
  const pool = new pg.Pool({ connectionString, max: 8 });
  const query = name === undefined ? { text: SQL } : { name, text: SQL };
  return {
    name: name === undefined ? "pg.Pool" : "pg.Pool, named statement",
    once: (n) => pool.query({ ...query, values: [someId(n)] }),
    close: () => pool.end(),
  };
}

function postgresJs(url: string): Contender {
  const sql = postgres(url, { max: 8, onnotice: () => {} });
  return {
    name: "postgres.js",
    once: (n) => sql`select * from items where id = ${someId(n)}`,
    close: () => sql.end(),
  };
}

function knexPool(connection: string): Contender {
  const db = knex({ client: "pg", connection, pool: { min: 8, max: 8 } });
  return { name: "knex", once: (n) => db("items").where({ id: someId(n) }), close: () => db.destroy() };
}

/** The C client, where it is installed. */
function pgbench(url: string): Contender[] {
  const folders = versions("/usr/lib/postgresql", "", "bin");
  const program = findProgram("pgbench", folders);
  if (program === undefined) return [];
  const script = join(mkdtempSync(join(tmpdir(), "adbapi-pgbench-")), "point.sql");
  writeFileSync(script, `\\set id random(0, ${ROWS - 1})\nselect * from items where id = :id;\n`);
  const seconds = (millis: number) => String(Math.max(1, Math.round(millis / 1_000)));
  return [
    {
      name: PGBENCH,
      once: () => undefined,
      async outside(millis) {
        const args = ["-n", "-M", "prepared", "-c", "8", "-j", "1", "-T", seconds(millis), "-f", script, url];
        const { stdout } = await promisify(execFile)(program, args);
        return Number(/tps = ([0-9.]+)/.exec(stdout)?.[1]);
      },
      close: () => undefined,
    },
  ];
}
