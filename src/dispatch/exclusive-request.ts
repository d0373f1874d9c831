import type { AdbapiError } from "../errors/classes.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { Waiter } from "../statement/waiting-line.js";

/** Who wants a connection for itself: an interaction, a stream, `runWithConnection`. */
export interface Taker {
  /** In words, for diagnosis. */
  readonly holder: string;
  /** Whether it may write; counts where a database has a single writer. */
  readonly writes: boolean;
  /** Where it was asked for, when that is recorded. */
  readonly stack: string | undefined;
  granted(lease: PooledConnection): void;
  refused(error: AdbapiError): void;
}

/** A taker's place in the line. */
export class ExclusiveRequest extends Waiter {
  readonly taker: Taker;

  constructor(taker: Taker) {
    super("adbapi.Request");
    this.taker = taker;
  }

  override refuse(error: AdbapiError): void {
    this.taker.refused(error);
  }
}
