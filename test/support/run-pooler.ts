/** The PgBouncer that stands before the run's PostgreSQL in the worlds that have one. */
import { startPgBouncer } from "./pgbouncer.js";
import { connectPostgres } from "./postgres-observer.js";
import { WORLD } from "./world.js";

const VARIABLE = "ADBAPI_TEST_POOLER";

/** Leaves its URL in the environment; undefined where the world has none. */
export async function startRunPooler(serverUrl: string): Promise<AsyncDisposable | undefined> {
  if (WORLD.pooler === undefined) return undefined;
  const bouncer = await startPgBouncer(serverUrl, WORLD.pooler);
  process.env[VARIABLE] = bouncer.url;
  return bouncer;
}

/** The URL of a database of the run's server as pools have it there; undefined where nothing stands between. */
export function throughPooler(url: string): string | undefined {
  const pooler = process.env[VARIABLE];
  if (pooler === undefined) return undefined;
  const changed = new URL(pooler);
  changed.pathname = new URL(url).pathname;
  return changed.href;
}

/** How many connections to a database the pooler has at its front. */
export async function countClients(database: string): Promise<number> {
  const client = await connectPostgres(throughPooler(`postgres://x/${ADMIN}`)!, { options: "" });
  try {
    const { rows } = await client.query("show clients");
    return rows.filter((row) => row.database === database).length;
  } finally {
    await client.end();
  }
}

/** PgBouncer's own; it knows the simple protocol only. */
const ADMIN = "pgbouncer";
