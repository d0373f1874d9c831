import type { Journal } from "../pool/event-log.js";
import type { Leases } from "../pool/leases.js";
import type { ResolvedOptions } from "../pool-options.js";
import type { Dispatcher } from "./dispatcher.js";

/** A pool at one moment. First what is now, then totals since it was made. */
export interface PoolStats {
  /** Open connections: `idle` + `inUse`, without those still connecting. */
  readonly size: number;
  readonly idle: number;
  readonly inUse: number;
  /** Statements and requests for a connection of one's own that wait in the queue. */
  readonly waiting: number;
  readonly connecting: number;
  /** The pool's options: connections kept open, and the most ever open. */
  readonly min: number;
  readonly max: number;
  /** Single statements answered, with a result or an error. */
  readonly statements: number;
  readonly connects: number;
  readonly connectFailures: number;
  readonly disconnects: number;
  /** Connections that died by themselves. */
  readonly losses: number;
  readonly rollbacks: number;
  /** Interactions run again. */
  readonly retries: number;
  readonly poolTimeouts: number;
  readonly leaks: number;
}

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
