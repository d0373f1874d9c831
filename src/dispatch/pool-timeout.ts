import { PoolTimeout } from "../errors/classes.js";
import type { Connections } from "../pool/connections.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { StatementJob } from "../statement/statement-job.js";
import type { Waiter } from "../statement/waiting-line.js";
import { ExclusiveRequest, type Queue } from "./queue.js";

export interface PoolPicture {
  readonly name: string;
  readonly max: number;
  readonly connections: Connections;
  readonly queue: Queue;
  readonly holders: readonly {
    readonly connection: PooledConnection;
    readonly what: string;
    readonly runs: boolean;
  }[];
}

/** Says why, what the pool looked like, who held what for how long, and what probably went wrong. */
export function explainPoolTimeout(why: string, waiter: Waiter, pool: PoolPicture): PoolTimeout {
  const { name, max, connections, queue, holders } = pool;
  const { lastFailure } = connections;
  const { open, idle, opening } = connections.roster;
  const lines = [
    `pool "${name}": ${why} (open=${open}, idle=${idle}, connecting=${opening}, waiting=${queue.waiting}, max=${max})`,
  ];
  for (const { connection, what } of holders)
    lines.push(`  held for ${heldFor(connection)} ms: ${what}${takenAt(connection)}`);
  const advice = likelyCause(pool, waiter);
  if (advice !== undefined) lines.push(advice);
  const sql = waiter instanceof ExclusiveRequest ? undefined : (waiter as StatementJob).sql;
  return new PoolTimeout(lines.join("\n"), {
    sql,
    retryable: true,
    outcome: "not sent",
    ...(lastFailure ? { cause: lastFailure } : {}),
  });
}

function likelyCause({ holders, max, connections, queue }: PoolPicture, waiter: Waiter): string | undefined {
  const { lastFailure, roster } = connections;
  const { writing } = queue;
  const awaitsWriter = writing !== undefined && waiter.line === writing;
  if (awaitsWriter && writing.ending)
    return (
      "The database has a single writer at a time, and that is a statement which was cancelled or out of time, in one long step that nothing " +
      "stops: its thread has not ended yet."
    );
  const sleeping = holders.filter((holder) => !holder.runs).length;
  if (sleeping > 0 && (awaitsWriter || holders.length >= max)) {
    const whom = awaitsWriter ? "The database has a single writer at a time, and it" : "Every connection";
    return (
      `${whom} is held by an interaction that runs nothing just now. Likely cause: its function calls a method of the pool and waits ` +
      "for it; use the transaction that the function was given instead (or let it end sooner)."
    );
  }
  if (lastFailure !== undefined) return "The last attempt to connect failed; see the cause.";
  if (roster.opening > 0)
    return "A connect is under way and has had no answer: is the server there, and reachable?";
  if (holders.length >= max)
    return "All connections are in use: raise max, or find what holds them for so long (leakDetectionMillis).";
  return undefined;
}

function heldFor(connection: PooledConnection): number {
  return Math.round(performance.now() - connection.heldSince);
}

function takenAt(connection: PooledConnection): string {
  return connection.holderStack === undefined ? "" : `\n${connection.holderStack.replace(/^/gm, "    ")}`;
}
