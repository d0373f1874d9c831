/** The servers and the table that the questions are about: 10 000 rows of 5 columns. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectionPool } from "adbapi";
import { forNativeClients } from "../test/support/mysql-accounts.js";
import { serverUrl, startServer, variableFor } from "../test/support/servers.js";

export const ROWS = 10_000;

/** The server's URL, from the environment or started for this run; undefined where there is none. */
export async function server(kind: "postgres" | "mariadb"): Promise<string | undefined> {
  if (serverUrl(kind) === undefined) {
    const started = await startServer(kind);
    if (started === undefined) return undefined;
    process.env[variableFor(kind)] = started.url;
    closers.push(() => started.close());
  }
  const url = serverUrl(kind);
  // The same account for all packages that are compared: mysql2 does not know MariaDB's ed25519.
  return kind === "mariadb" && url !== undefined ? forNativeClients(url) : url;
}

const closers: (() => Promise<void>)[] = [];

/** Ends what was started for the questions. */
export async function closeServers(): Promise<void> {
  for (const close of closers.splice(0)) await close();
}

/** A pool's database gets the table. */
export async function fill(pool: ConnectionPool): Promise<void> {
  const mark = pool.paramstyle === "numeric" ? (n: number) => `$${n}` : () => "?";
  const marks = [1, 2, 3, 4, 5].map(mark).join(", ");
  await pool.runOperation("drop table if exists items");
  await pool.runOperation(
    "create table items (id integer primary key, name varchar(40), price double precision, stock integer, note varchar(80))",
  );
  await pool.runInteraction((transaction) =>
    transaction.executeMany(
      `insert into items values (${marks})`,
      Array.from({ length: ROWS }, (_, n) => [n, `item ${n}`, n + 0.5, n % 100, `a note about item ${n}`]),
    ),
  );
}

/** A file of its own for SQLite, with the table in it. */
export async function sqliteFile(): Promise<{ readonly file: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "adbapi-bench-"));
  const file = join(folder, "items.db");
  await using pool = new ConnectionPool("better-sqlite3", file, { max: 1 });
  await fill(pool);
  await pool.runOperation("create table log (id integer primary key, text varchar(40))");
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Ids in an order that no cache can guess, the same in every run. */
export function someId(n: number): number {
  return (n * 7919) % ROWS;
}
