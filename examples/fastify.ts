/**
 * An HTTP server with Fastify: one transaction for each request that writes, and a client that goes away cancels its
 * query.
 *
 *     npm run example fastify                       on port 3000, or PORT
 *     curl localhost:3000/agents -H content-type:application/json -d '{"name":"James Bond"}'
 *     curl localhost:3000/agents
 */
import { ConnectionPool, type Transaction, UniqueViolation } from "adbapi";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";

const NEW_AGENT = {
  type: "object",
  required: ["name"],
  properties: { name: { type: "string", minLength: 1 } },
} as const;

/** What a route does in its transaction. */
type Work<T> = (transaction: Transaction, request: FastifyRequest) => Promise<T>;

export async function buildServer(pool: ConnectionPool): Promise<FastifyInstance> {
  const server = Fastify({ bodyLimit: 10_000, connectionTimeout: 30_000, requestTimeout: 10_000 });
  server.server.maxConnections = 1_000;
  server.addHook("onClose", () => pool.close({ timeoutMillis: 5_000 }));
  await pool.runOperation(
    "create table if not exists agents (id integer primary key, name text not null unique)",
  );

  /** A handler whose work is committed before the answer, rolled back when it fails or the client has gone. */
  const inTransaction =
    <T>(work: Work<T>) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<T> =>
      pool.runInteraction({ signal: gone(reply), retries: 2 }, work, request);

  server.get("/agents", (_, reply) =>
    pool.runQuery("select id, name from agents order by id", [], { signal: gone(reply) }),
  );

  server.post(
    "/agents",
    { schema: { body: NEW_AGENT } },
    inTransaction(async (transaction, request) => {
      const { name } = request.body as { name: string };
      const { lastInsertId } = await transaction.runOperation("insert into agents (name) values (?)", [name]);
      return { id: lastInsertId, name };
    }),
  );

  /** Works until it is stopped, which SQLite can be between two rows. */
  server.get("/endless", (_, reply) =>
    pool.runQuery(
      "with recursive c(n) as (select 1 union all select n + 1 from c) select n from c where n % 10000 = 0",
      [],
      { signal: gone(reply) },
    ),
  );

  server.get("/stats", async () => pool.stats);

  server.setErrorHandler((error, request, reply) => {
    if (error instanceof UniqueViolation) return reply.code(409).send({ error: "there is one already" });
    const { statusCode } = error as { readonly statusCode?: number };
    if (statusCode !== undefined && statusCode < 500) return reply.send(error);
    request.log.error(error);
    return reply.code(500).send({ error: "something went wrong" });
  });
  return server;
}

/**
 * Aborted when the client closes the connection before it has its answer. (The request itself closes once its body is
 * read.)
 */
function gone(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) controller.abort(new Error("the client has gone"));
  });
  return controller.signal;
}

if (process.argv[1] === import.meta.filename) {
  const pool = new ConnectionPool("better-sqlite3", process.env.DATABASE ?? ":memory:");
  const server = await buildServer(pool);
  const port = Number(process.env.PORT ?? 3_000);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void server.close());
  console.log(`listening at ${await server.listen({ port })}`);
}
