import type { PoolStats } from "../diagnostics/pool-stats.js";
import type { ResolvedOptions } from "../options/settings.js";
import type { Journal } from "../pool/event-log.js";
import type { Leases } from "../pool/leases.js";
import type { Dispatcher } from "./dispatcher.js";

/** @internal */
export function statsOf(
  { min, max }: ResolvedOptions,
  leases: Leases,
  dispatcher: Dispatcher,
  journal: Journal,
): PoolStats {
  const { idle, inUse, connecting } = leases;
  const { connects, connectFailures, disconnects, losses, rollbacks, retries, leaks } = journal;
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
