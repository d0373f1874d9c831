/** Rows of one statement, stepped in the thread batch by batch, as fast as they are asked for. */
import type { Statement } from "../../driver.js";
import type { Request } from "../protocol.js";
import type { ThreadConnection } from "./connection.js";
import type { Received } from "./inbox.js";
import { ownParams } from "./params.js";

export class StreamedRows implements AsyncIterableIterator<unknown[]> {
  readonly #connection: ThreadConnection;
  readonly #statement: Statement;
  readonly #batch: number;
  readonly #transaction: boolean;
  #state: "new" | "open" | "ended" = "new";
  /** Asked for one after the other, also by a caller who does not wait. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: ThreadConnection, statement: Statement, batch: number) {
    this.#connection = connection;
    this.#statement = statement;
    this.#batch = batch;
    this.#transaction = connection.inTransaction;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(batch = this.#batch): Promise<IteratorResult<unknown[]>> {
    return this.#inTurn(() => this.#next(batch));
  }

  return(): Promise<IteratorResult<unknown[]>> {
    return this.#inTurn(async () => {
      if (this.#state === "open") {
        this.#state = "ended";
        await this.#connection.request(["end", 0, this.#transaction]);
      }
      this.#state = "ended";
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
      received = await this.#connection.request(this.#request(batch), this.#statement);
    } catch (error) {
      // Cancelled before its turn, this request has not closed the cursor.
      if (this.#state === "open")
        await this.#connection.request(["end", 0, this.#transaction]).catch(() => {});
      this.#state = "ended";
      throw error;
    }
    const rows = "kind" in received ? received.rows : [];
    this.#state = "kind" in received && received.more ? "open" : "ended";
    return rows.length === 0 && this.#state === "ended"
      ? { done: true, value: undefined }
      : { done: false, value: rows };
  }

  #request(batch: number): Request {
    const { sql, params } = this.#statement;
    return this.#state === "new"
      ? ["open", 0, this.#transaction, sql, ownParams(params), batch]
      : ["next", 0, this.#transaction, batch];
  }
}
