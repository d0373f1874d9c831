/** Sessions of the tests' own at PostgreSQL, beside the pools. */
import pg from "pg";
import { authority } from "./world-files.js";

/** What the world has otherwise, an observer has as everywhere. */
const STYLES = "-c datestyle=ISO,MDY -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=1";

/** To the server and database of a URL, as `connectArgs` has it. To be ended by who asks. */
export async function connectPostgres(url: string, options: pg.ClientConfig = {}): Promise<pg.Client> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const client = new pg.Client({
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    ssl: searchParams.get("sslmode") === "verify-full" ? { ca: authority() } : false,
    options: STYLES,
    connectionTimeoutMillis: 30_000,
    ...options,
  });
  client.on("error", () => {}); // the query rejects with it
  await client.connect();
  return client;
}

/** One statement in a session of its own. */
export async function askPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await connectPostgres(url);
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
