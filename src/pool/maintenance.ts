import type { AdbapiError } from "../errors/classes.js";
import { longestTimer } from "../options/option-checks.js";
import type { PooledConnection } from "./pooled-connection.js";

export interface RefillHooks {
  readonly min: number;
  open(): number;
  connecting(): number;
  /** How many more there could be. */
  spare(): number;
  /** How long it is until a further attempt may be made. */
  pauseMillis(): number;
  /** Begins to open so many more. */
  grow(missing: number): void;
  /** The pause after a failure is over. */
  pauseOver(): void;
}

/**
 * Keeps at least `min` connections open, in the background, and tells those who wait for that. Its timer keeps no
 * process alive.
 */
export class Refill {
  readonly #hooks: RefillHooks;
  #running = false;
  #timer: NodeJS.Timeout | undefined;
  #waiting: { resolve(): void; reject(error: unknown): void }[] = [];

  constructor(hooks: RefillHooks) {
    this.#hooks = hooks;
  }

  /** The caller's own connection, if there is one on its way, is ahead of these. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(() => this.check());
  }

  /**
   * Fires once `min` connections are open; rejects with the first failure to open one. Whatever happened, it goes on
   * trying.
   */
  async full(): Promise<void> {
    const { min, open, connecting, grow } = this.#hooks;
    this.#running = true;
    if (open() >= min) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      grow(min - open() - connecting());
    });
  }

  stop(reason: AdbapiError): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.failed(reason);
  }

  /** One more is open. */
  opened(): void {
    if (this.#hooks.open() < this.#hooks.min) return;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** An attempt to open one failed. */
  failed(reason: AdbapiError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  /** There may be fewer than `min`. */
  check(): void {
    if (!this.#running || this.#timer !== undefined) return;
    const { min, open, connecting, spare, pauseMillis, grow } = this.#hooks;
    const missing = Math.min(min - open() - connecting(), spare());
    if (missing <= 0) return;
    const wait = pauseMillis();
    if (wait <= 0) grow(missing);
    else this.#timer = setTimeout(() => this.#pauseOver(), wait).unref();
  }

  #pauseOver(): void {
    this.#timer = undefined;
    this.#hooks.pauseOver();
    this.check();
  }
}

export interface ReaperHooks {
  readonly idleTimeoutMillis: number;
  /** Those that are idle now, the one that has been so for longest first. */
  idle(): readonly PooledConnection[];
  /** How many more are open than need to be. */
  spare(): number;
  /** These have been idle for too long, or are too old. */
  retire(connections: readonly PooledConnection[]): void;
}

/**
 * Ends what has been idle for too long while there is more than need be, and what is too old. One timer for all; it
 * keeps no process alive.
 */
export class Reaper {
  readonly #hooks: ReaperHooks;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(hooks: ReaperHooks) {
    this.#hooks = hooks;
  }

  /** A connection has become idle: it is looked at again when its time may be over. */
  watch(connection: PooledConnection): void {
    this.#wake(Math.min(connection.expiresAt, this.#idleDeadline(connection)));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#due = Number.NEGATIVE_INFINITY;
  }

  #idleDeadline(connection: PooledConnection): number {
    return connection.idleSince + this.#hooks.idleTimeoutMillis;
  }

  #wake(due: number): void {
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    const wait = Math.min(Math.max(due - performance.now(), 1), longestTimer);
    this.#timer = setTimeout(() => this.#look(), wait).unref();
  }

  #look(): void {
    this.#due = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let spare = this.#hooks.spare();
    let next = Number.POSITIVE_INFINITY;
    const over: PooledConnection[] = [];
    for (const connection of this.#hooks.idle()) {
      const idleDeadline = spare > 0 ? this.#idleDeadline(connection) : Number.POSITIVE_INFINITY;
      if (now >= Math.min(idleDeadline, connection.expiresAt)) {
        spare--;
        over.push(connection);
      } else next = Math.min(next, idleDeadline, connection.expiresAt);
    }
    if (over.length > 0) this.#hooks.retire(over);
    this.#wake(next);
  }
}
