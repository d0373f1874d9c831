import type { AdbapiError } from "../errors/classes.js";
import { copyOf } from "../errors/details.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { Lane, Waiter } from "../statement/waiting-line.js";

/** A wait for a connection that nothing else uses meanwhile: of an interaction, or of a stream. */
export abstract class ExclusiveRequest extends Waiter {
  /** What it is for, in words, for diagnosis. */
  abstract readonly holder: string;
  /** Whether it may write; counts where a database has a single writer. */
  abstract readonly writes: boolean;
  /** Where it was asked for, when that is recorded. */
  abstract readonly stack: string | undefined;

  /** The wait is over: the connection is its own until it is given back to the dispatcher. */
  abstract grant(connection: PooledConnection): void;
}

/** All that waits, statements and exclusive requests, in the order asked. */
export class Queue {
  /** What reads, or all there is. */
  readonly main: Lane;
  /** What may write, where the database has a single writer. */
  readonly writing: Lane | undefined;
  readonly #lanes: readonly Lane[];
  readonly #writersFirst: readonly Lane[];

  /** @param onTimeout refuses a waiter that has waited for `timeoutMillis`. */
  constructor(singleWriter: boolean, timeoutMillis: number, onTimeout: (waiter: Waiter) => void) {
    this.main = new Lane(Number.POSITIVE_INFINITY, timeoutMillis, onTimeout);
    this.writing = singleWriter ? new Lane(1, timeoutMillis, onTimeout) : undefined;
    this.#lanes = this.writing === undefined ? [this.main] : [this.main, this.writing];
    this.#writersFirst = [...this.#lanes].reverse();
  }

  get waiting(): number {
    return this.main.length + (this.writing?.length ?? 0);
  }

  /** The lanes, the one with the oldest work first. */
  byAge(): readonly Lane[] {
    const write = this.writing?.first;
    if (write === undefined) return this.#lanes;
    const read = this.main.first;
    return read === undefined || write.ticket < read.ticket ? this.#writersFirst : this.#lanes;
  }

  refuseAll(error: AdbapiError): void {
    for (const lane of this.#lanes) {
      for (let left = lane.length; left > 0 && lane.first !== undefined; left--) {
        const waiter = lane.first;
        lane.remove(waiter);
        waiter.refuse(copyOf(error));
      }
    }
  }

  /** Leaves no timer behind. */
  close(): void {
    for (const lane of this.#lanes) lane.close();
  }
}
