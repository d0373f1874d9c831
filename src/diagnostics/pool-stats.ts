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
