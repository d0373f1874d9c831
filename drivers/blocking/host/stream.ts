/** Rows of one statement, stepped in the thread batch by batch, as fast as they are asked for. */
import { moved } from "../../../src/transition.js";
import type { Statement } from "../../driver.js";
import type { Request } from "../protocol.js";
import type { Received } from "./inbox.js";
import { ownParams } from "./params.js";

/** What a stream needs of its connection. */
export interface StreamSession {
  readonly inTransaction: boolean;
  request(request: Request, statement?: Statement): Promise<Received>;
}

type StreamState = "new" | "open" | "ended";

const MOVES = {
  new: ["open", "ended"],
  open: ["open", "ended"],
  ended: ["ended"],
} as const satisfies Record<StreamState, readonly StreamState[]>;

export class StreamedRows implements AsyncIterableIterator<unknown[]> {
  readonly #session: StreamSession;
  readonly #statement: Statement;
  readonly #batch: number;
  readonly #transaction: boolean;
  #state: StreamState = "new";
  /** Batches are asked for one after the other, also when the caller does not wait for them. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(session: StreamSession, statement: Statement, batch: number) {
    this.#session = session;
    this.#statement = statement;
    this.#batch = batch;
    this.#transaction = session.inTransaction;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(batch = this.#batch): Promise<IteratorResult<unknown[]>> {
    return this.#inTurn(() => this.#next(batch));
  }

  return(): Promise<IteratorResult<unknown[]>> {
    return this.#inTurn(async () => {
      const open = this.#state === "open";
      this.#move("ended");
      if (open) await this.#endCursor();
      return { done: true, value: undefined };
    });
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(step);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #next(batch: number): Promise<IteratorResult<unknown[]>> {
    if (this.#state === "ended") return { done: true, value: undefined };
    let received: Received;
    try {
      received = await this.#session.request(this.#request(batch), this.#statement);
    } catch (error) {
      // A request that was cancelled before its turn has not closed the cursor.
      if (this.#state === "open") await this.#endCursor().catch(() => {});
      this.#move("ended");
      throw error;
    }
    const rows = "kind" in received ? received.rows : [];
    const more = "kind" in received && received.more;
    this.#move(more ? "open" : "ended");
    return rows.length > 0 || more ? { done: false, value: rows } : { done: true, value: undefined };
  }

  #request(batch: number): Request {
    const { sql, params } = this.#statement;
    return this.#state === "new"
      ? ["open", 0, this.#transaction, sql, ownParams(params), batch]
      : ["next", 0, this.#transaction, batch];
  }

  #endCursor(): Promise<Received> {
    return this.#session.request(["end", 0, this.#transaction]);
  }

  #move(to: StreamState): void {
    this.#state = moved("a stream of a thread", MOVES, this.#state, to);
  }
}
