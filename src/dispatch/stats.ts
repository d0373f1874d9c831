import type { PoolStats } from "../diagnostics/pool-stats.js";
import type { ResolvedOptions } from "../options/settings.js";
import type { Connections } from "../pool/connections.js";
import type { EventLog } from "../pool/event-log.js";
import type { Dispatcher } from "./dispatcher.js";

/** @internal */
export function statsOf(
  { min, max }: ResolvedOptions,
  connections: Connections,
  dispatcher: Dispatcher,
  events: EventLog,
): PoolStats {
  const { idle, inUse, opening: connecting } = connections.roster;
  const { connects, connectFailures, disconnects, losses, rollbacks, retries, leaks } = events;
  return Object.freeze({
    size: idle + inUse,
    idle,
    inUse,
    waiting: dispatcher.waiting,
    connecting,
    min,
    max,
    statements: dispatcher.statements,
    connects,
    connectFailures,
    disconnects,
    losses,
    rollbacks,
    retries,
    poolTimeouts: dispatcher.timeouts,
    leaks,
  });
}
