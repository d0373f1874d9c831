import type { Driver, DriverConnection, Statement } from "../../drivers/driver.js";
import { CancelledError } from "../defer/index.js";
import type { StatementTrace } from "../diagnostics/channels.js";
import { type AdbapiError, NotSupportedError } from "../errors/classes.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { weightOf } from "../statement/weight.js";

/**
 * Rows asked of the driver at a time: few until it is known how wide they are, then as many as weigh about this, in
 * bytes.
 */
const FIRST_ROWS = 16;
const MOST_ROWS = 256;
const BATCH_BYTES = 1e6;

/** A connection for a stream, for as long as it takes. */
export interface StreamPlace {
  readonly connection: PooledConnection;
  /** Hands the connection on; called once. Fires when nothing of the stream's is left on it. */
  done(): unknown;
}

/** How a stream comes to its connection, and what is told of it. */
export interface StreamOpener {
  readonly driver: Driver;
  /** What listeners are told of it, while there are any. */
  readonly trace?: StatementTrace | undefined;
  /** Whether it stands alone: then it must not leave a transaction open. */
  readonly autocommitted?: boolean;
  /** An error of the tree for what it failed with, and what is known of it. */
  failure(reason: unknown, statement: Statement): AdbapiError;
  /** Hears of what its caller is told. */
  told?(error: object): void;
  /** What its rows come from; absent: the statement's own. Undefined where the driver has no such thing. */
  source?(conn: DriverConnection, statement: Statement): AsyncIterableIterator<unknown[]> | undefined;
  /** Fires with the connection; the signal is aborted when no reader wants it any more. */
  open(signal: AbortSignal): Promise<StreamPlace>;
}

/** The cursor of a stream in the database: opened on a connection with the first rows, read in batches, and freed. */
export class StreamCursor {
  readonly #opener: StreamOpener;
  readonly #statement: Statement;
  readonly #stop = new AbortController();
  #opening: Promise<void> | undefined;
  #place: StreamPlace | undefined;
  #source: AsyncIterableIterator<unknown[]> | undefined;
  /** How many rows are asked for next. */
  #size = FIRST_ROWS;
  /** Ends the wait for the connection, or for a batch; there is one while there is such a wait. */
  #endWait: ((error: Error) => void) | undefined;

  constructor(opener: StreamOpener, statement: Statement) {
    this.#opener = opener;
    this.#statement = statement;
  }

  /** Whether it has its connection. */
  get placed(): boolean {
    return this.#place !== undefined;
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Whether its session is in a transaction, which a statement that stands alone must not leave open. */
  get inTransaction(): boolean {
    return this.#place?.connection.session === "in transaction";
  }

  async open(): Promise<void> {
    await this.#unlessStopped(() => {
      this.#opening = this.#takePlace();
      return this.#opening;
    });
    this.#stop.signal.throwIfAborted();
    const { conn } = this.#place!.connection;
    const { source, driver } = this.#opener;
    this.#source =
      source === undefined ? conn.stream?.(this.#statement, this.#size) : source(conn, this.#statement);
    if (this.#source === undefined) {
      const instead = source === undefined ? "cannot stream: use runQuery" : "has no COPY";
      throw new NotSupportedError(`the driver "${driver.name}" ${instead}`);
    }
  }

  /** Fires with the next rows, at least one; undefined past the last. */
  async next(): Promise<unknown[] | undefined> {
    for (;;) {
      const { value, done } = await this.#unlessStopped(() => this.#source!.next(this.#size));
      if (done === true) return undefined;
      if (value.length === 0) continue;
      this.#size = sizeAfter(value);
      return value;
    }
  }

  /** Nothing more is asked of the database; a wait that is under way goes on until `endWait`. */
  stop(error: Error): void {
    this.#stop.abort(error);
  }

  endWait(error: Error): void {
    this.#endWait?.(error);
  }

  /** Frees the cursor and hands the connection on. */
  async free(): Promise<void> {
    // Its connection may have come in this moment: no cursor is opened on it any more.
    this.#stop.abort(new CancelledError("it was left"));
    const place = this.#place;
    if (place === undefined) {
      await this.#opening?.catch(() => {});
      return;
    }
    const { connection } = place;
    const { cancellations } = connection;
    try {
      // The server is in the midst of a batch: only a cancel ends that soon.
      const source = this.#source;
      const cancelled = source && this.#endWait && cancellations.stop(this.#statement);
      cancellations.limit();
      await connection.loss.wait(Promise.all([source?.return?.(), cancelled?.done]));
    } catch {
      // Not every driver's state tells of rows that are still to come.
      if (connection.session !== "idle" && connection.session !== "in transaction") connection.destroy();
    }
    cancellations.relieve();
    await place.done();
  }

  async #takePlace(): Promise<void> {
    const place = await this.#opener.open(this.#stop.signal);
    // Its reader has left meanwhile, and the connection goes back as it came.
    if (this.stopped) await place.done();
    else this.#place = place;
  }

  async #unlessStopped<T>(ask: () => Promise<T>): Promise<T> {
    this.#stop.signal.throwIfAborted();
    const stopped = new Promise<never>((_, reject) => {
      this.#endWait = reject;
    });
    try {
      return await Promise.race([ask(), stopped]);
    } finally {
      this.#endWait = undefined;
    }
  }
}

/** The rows that come next are taken to be like the last of these. */
function sizeAfter(rows: readonly unknown[]): number {
  const some = rows.slice(-FIRST_ROWS);
  const size = Math.floor((BATCH_BYTES * some.length) / weightOf(some, 5));
  return Math.min(size, MOST_ROWS) || 1;
}
