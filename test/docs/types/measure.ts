/** Runs what the page of types says, and writes it as rows of a table. */
import { inspect } from "node:util";
import { ConnectionPool } from "adbapi";
import type { Target } from "../../support/target.js";
import { type Column, MYSQL, POSTGRES, POSTGRES_TYPES, SQLITE } from "./columns.js";
import { PARAMS } from "./params.js";

/** Ahead of UTC, so that what is read in local time shows. */
export const ZONE = "Asia/Tokyo";

export const columnsOf = ({ server }: Target): readonly Column[] =>
  server === "postgres" ? POSTGRES : server === undefined ? SQLITE : MYSQL;

/** What comes back for each column, in order. */
export async function comingBack(target: Target): Promise<string[]> {
  return withPool(target, async (pool) => {
    if (target.server === "postgres") for (const sql of POSTGRES_TYPES) await pool.runOperation(sql);
    const cells: string[] = [];
    for (const [n, { type, literal, before }] of columnsOf(target).entries()) {
      const name = `t${n}`;
      await pool.runOperation(`create table ${name} (v ${type.replace(/ \(an? .*/, "")})`);
      await pool.runWithConnection(async (connection) => {
        const cursor = connection.cursor();
        if (before !== undefined) await cursor.execute(before);
        await cursor.execute(`insert into ${name} values (${literal})`);
      });
      const plain = await pool.runQuery<{ v: unknown }>(`select v from ${name}`);
      const bound = await pool.runQuery<{ v: unknown }>(
        `select v from ${name} where 1 = ${target.placeholder(1)}`,
        [1],
      );
      const [shown, prepared] = [show(plain[0]?.v), show(bound[0]?.v)];
      cells.push(shown === prepared ? shown : `${shown}; with params ${prepared}`);
    }
    return cells;
  });
}

/** What the database gets of each param, in order; or the error. */
export async function bound(target: Target): Promise<string[]> {
  return withPool(target, async (pool) => {
    const cells: string[] = [];
    for (const { value } of PARAMS) cells.push(await stored(target, pool, value));
    return cells;
  });
}

async function stored(target: Target, pool: ConnectionPool, value: unknown): Promise<string> {
  try {
    const [row] = await pool.runQuery<{ v: string | null }>(seenAs(target, value), [value]);
    if (row!.v === null) return code("NULL");
    return code(target.server === undefined ? row!.v : inspect(row!.v));
  } catch (error) {
    return (error as Error).name;
  }
}

/** Has a database say what it got, as text. */
function seenAs({ server }: Target, value: unknown): string {
  const bytes = ArrayBuffer.isView(value);
  if (server === "postgres") return `select ${bytes ? "encode($1::bytea, 'hex')" : "$1::text"} as v`;
  if (server !== undefined) return `select ${bytes ? "hex(?)" : "cast(? as char)"} as v`;
  return "with given(v) as (select ?) select typeof(v) || ' ' || quote(v) as v from given";
}

/** What the page is true of: MariaDB stands in for MySQL, and has types of its own. */
export async function isOnThePage(target: Target): Promise<boolean> {
  if (target.server === undefined || target.server === "postgres") return true;
  const [row] = await withPool(target, (pool) => pool.runQuery<{ v: string }>("select version() as v"));
  return row!.v.includes("MariaDB");
}

async function withPool<T>(target: Target, use: (pool: ConnectionPool) => PromiseLike<T>): Promise<T> {
  await using database = await target.createDatabase();
  await using pool = new ConnectionPool(target.name, database.connectArgs, { min: 0, max: 1 });
  return await use(pool);
}

function show(value: unknown): string {
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "an invalid Date" : `Date ${code(value.toISOString())}`;
  if (Buffer.isBuffer(value)) return `Buffer ${code(value.toString("hex"))}`;
  const kind = typeof value === "object" ? "" : `${typeof value} `;
  return kind + code(inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true }));
}

function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}
