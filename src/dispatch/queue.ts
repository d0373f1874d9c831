import type { AdbapiError } from "../errors/classes.js";
import { copyOf } from "../errors/details.js";
import { longestTimer } from "../options/option-checks.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { Lane, NO_END, Waiter } from "../statement/waiting-line.js";

/** A wait for a connection that nothing else uses meanwhile: of an interaction, or of a stream. */
export abstract class ExclusiveRequest extends Waiter {
  /** What it is for, in words, for diagnosis. */
  abstract readonly holder: string;
  /** Whether it may write; counts where a database has a single writer. */
  abstract readonly writes: boolean;
  /** Where it was asked for, when that is recorded. */
  abstract readonly stack: string | undefined;

  constructor() {
    super("adbapi.ExclusiveRequest", NO_END);
  }

  /** The wait is over: the connection is its own until it is given back to the dispatcher. */
  abstract grant(connection: PooledConnection): void;
}

/**
 * All that waits, statements and exclusive requests, in the order asked; and the deadline of the one who has waited the
 * longest.
 */
export class Queue {
  /** What reads, or all there is. */
  readonly main = new Lane(Number.POSITIVE_INFINITY);
  /** What may write, where the database has a single writer. */
  readonly writing: Lane | undefined;
  readonly #lanes: readonly Lane[];
  readonly #writersFirst: readonly Lane[];
  readonly #timeoutMillis: number;
  readonly #onTimeout: (waiter: Waiter) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onTimeout refuses one who has waited for `timeoutMillis`. */
  constructor(singleWriter: boolean, timeoutMillis: number, onTimeout: (waiter: Waiter) => void) {
    this.writing = singleWriter ? new Lane(1) : undefined;
    this.#lanes = this.writing === undefined ? [this.main] : [this.main, this.writing];
    this.#writersFirst = [...this.#lanes].reverse();
    this.#timeoutMillis = timeoutMillis;
    this.#onTimeout = onTimeout;
  }

  get waiting(): number {
    let waiting = 0;
    for (const { length } of this.#lanes) waiting += length;
    return waiting;
  }

  /** The lanes, the one with the oldest work first. */
  byAge(): readonly Lane[] {
    const write = this.writing?.first;
    if (write === undefined) return this.#lanes;
    const read = this.main.first;
    return read === undefined || write.ticket < read.ticket ? this.#writersFirst : this.#lanes;
  }

  /**
   * Work that had been taken out and comes back undone, to its place near the head. If it has not waited before, it has
   * been asked for no later than the first who waits now.
   */
  putBack(waiter: Waiter, lane: Lane): void {
    waiter.since ||= lane.first?.since ?? 0;
    lane.insert(waiter);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.guard(waiter);
  }

  /** There was no place for it at once: it waits, and will not wait for ever. */
  guard(waiter: Waiter): void {
    waiter.since ||= Math.ceil(performance.now());
    this.#guardFirst();
  }

  #guardFirst(): void {
    if (this.#timer !== undefined) return;
    let due = Number.POSITIVE_INFINITY;
    for (const { first } of this.#lanes) {
      if (first !== undefined) due = Math.min(due, first.since + this.#timeoutMillis);
    }
    if (due === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(1, Math.ceil(due - performance.now())), longestTimer);
    this.#timer = setTimeout(() => this.#expire(), wait).unref();
  }

  refuseAll(error: AdbapiError): void {
    for (const line of this.#lanes) {
      for (let left = line.length; left > 0 && line.first !== undefined; left--) {
        const waiter = line.first;
        line.remove(waiter);
        waiter.refuse(copyOf(error));
      }
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #expire(): void {
    this.#timer = undefined;
    const since = performance.now() - this.#timeoutMillis;
    for (const line of this.#lanes) {
      while (line.first !== undefined && line.first.since <= since) this.#onTimeout(line.first);
    }
    this.#guardFirst();
  }
}
