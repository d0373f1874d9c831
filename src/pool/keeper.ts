import { longestTimer } from "../options/option-checks.js";
import type { Lease } from "./lease.js";

export interface KeeperHooks {
  readonly idleTimeoutMillis: number;
  /** Those that are idle now. */
  idle(): Lease[];
  /** How many more are open than need to be. */
  spare(): number;
  /** These have been idle for too long, or are too old. */
  retire(leases: readonly Lease[]): void;
}

/**
 * Ends what has been idle for too long while there is more than need be, and what is too old. One timer for all; it
 * keeps no process alive.
 */
export class Keeper {
  readonly #hooks: KeeperHooks;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(hooks: KeeperHooks) {
    this.#hooks = hooks;
  }

  /** A connection has become idle: it is looked at again when its time may be over. */
  watch(lease: Lease): void {
    this.#wake(Math.min(lease.expiresAt, this.#bored(lease)));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#due = Number.NEGATIVE_INFINITY;
  }

  #bored(lease: Lease): number {
    return lease.idleSince + this.#hooks.idleTimeoutMillis;
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
    const over: Lease[] = [];
    for (const lease of this.#hooks.idle().sort((a, b) => a.idleSince - b.idleSince)) {
      const bored = spare > 0 ? this.#bored(lease) : Number.POSITIVE_INFINITY;
      if (now >= Math.min(bored, lease.expiresAt)) {
        spare--;
        over.push(lease);
      } else next = Math.min(next, bored, lease.expiresAt);
    }
    if (over.length > 0) this.#hooks.retire(over);
    this.#wake(next);
  }
}
