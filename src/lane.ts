import { type Waiter, WaitingLine } from "./waiting-line.js";

/** A line of work that at most `limit` connections serve at a time. Where a database has a single writer, writes have a lane of their own. */
export class Lane {
  readonly line = new WaitingLine();
  readonly limit: number;
  /** Connections that carry its work now, exclusive ones among them. */
  serving = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** The next to be served by one more connection, if one more may serve. */
  get next(): Waiter | undefined {
    return this.serving < this.limit ? this.line.first : undefined;
  }
}
