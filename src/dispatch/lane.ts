import type { PooledConnection } from "../pool/pooled-connection.js";
import { type Waiter, WaitingLine } from "../statement/waiting-line.js";

/**
 * A line of work that at most `limit` connections serve at a time. Where a database has a single writer, writes have a
 * lane of their own.
 */
export class Lane {
  readonly line = new WaitingLine();
  readonly limit: number;
  /** Connections that carry its work now, exclusive ones among them. */
  serving = 0;
  /** One that served it was given up, and is still inside of the database. */
  ending = false;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** The next to be served by one more connection, if one more may serve. */
  get next(): Waiter | undefined {
    return this.serving < this.limit ? this.line.first : undefined;
  }

  /**
   * One fewer serves it. What is destroyed may hold the writer's locks until its session is really over: the next
   * writer waits for that, when `over` is called.
   */
  leave({ gone, conn: { ended } }: PooledConnection, over: () => void): void {
    if (!gone || ended === undefined || this.limit === Number.POSITIVE_INFINITY) {
      this.serving--;
      return;
    }
    this.ending = true;
    const left = () => {
      this.ending = false;
      this.serving--;
      over();
    };
    void ended.then(left, left);
  }
}
