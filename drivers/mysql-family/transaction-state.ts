/** The transaction of a session, as the server's status words tell of it. */
import type { SessionState } from "../driver.js";

/** Bits of the status word that ends each answer. @see https://mariadb.com/kb/en/ok_packet/#server-status-flag */
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;

export class TransactionState {
  #status = AUTOCOMMIT;
  #chained = 0;
  /** The caller began it as read-only. */
  readOnly = false;

  /** The server's status word, as the last answer that had one brought it. */
  set status(status: number) {
    const hasEnded = (this.#status & IN_TRANSACTION) !== 0 && (status & (IN_TRANSACTION | AUTOCOMMIT)) === 0;
    // Without autocommit the next statement will open another, and nothing tells them apart.
    if (hasEnded) this.#chained++;
    this.#status = status;
  }

  /**
   * "unknown" without autocommit: the next statement opens a transaction of its own, and the pool lends such a session
   * to no other caller.
   */
  get state(): Exclude<SessionState, "broken"> {
    if ((this.#status & IN_TRANSACTION) !== 0) return "in transaction";
    return (this.#status & AUTOCOMMIT) === 0 ? "unknown" : "idle";
  }

  /** How many transactions ended while another was left open. */
  get chained(): number {
    return this.#chained;
  }

  /** The answer to a statement that ends a transaction has come: one that is open now is the next. */
  ended(): void {
    if (this.state === "in transaction") this.#chained++;
  }

  /** An answer of rows has brought no status: without autocommit even a SELECT opens a transaction. */
  readRows(): void {
    if ((this.#status & AUTOCOMMIT) === 0) this.status = this.#status | IN_TRANSACTION;
  }
}
