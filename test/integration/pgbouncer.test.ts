/** Behind PgBouncer in transaction mode, with the pool's defaults and with PgBouncer's. */
import { ConnectionPool } from "adbapi";
import { describe, expect, test } from "vitest";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.js";
import { serverUrl } from "../support/servers.js";

const url = serverUrl("postgres")!;

describe.runIf(url && hasPgBouncer)("PgBouncer", () => {
  test("answers, with settings of the test's own", async () => {
    await using bouncer = await startPgBouncer(url, { default_pool_size: 1 });
    await using pool = ConnectionPool.fromUrl(bouncer.url, { max: 4 });
    const ask = () => pool.runQuery("select pg_backend_pid() as pid");
    const answers = await Promise.all(Array.from({ length: 8 }, ask));
    expect(new Set(answers.map(([row]) => row!.pid)).size).toBe(1);
  });
});
