import type { Driver, Statement } from "../../drivers/driver.js";
import { CancelledError, Failure } from "../defer/index.js";
import { recapture } from "../defer/settlement.js";
import { channels, type StatementTrace, tracedUntil } from "../diagnostics/channels.js";
import { type AdbapiError, NotSupportedError, type Outcome, StatementTimeout } from "../errors/classes.js";
import { leftOpen } from "../errors/session-ended.js";
import type { StatementOptions } from "../options/call-options.js";
import { translated } from "../pool/driver-guard.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { weightOf } from "../statement/weight.js";
import { Limits } from "../timeouts/limits.js";

/**
 * Rows asked of the driver at a time: few until it is known how wide they are, then as many as weigh about this, in
 * bytes.
 */
const FIRST_ROWS = 16;
const MOST_ROWS = 256;
const BATCH_BYTES = 1e6;

/** A connection for a stream, for as long as it takes. */
export interface StreamPlace {
  readonly lease: PooledConnection;
  /** Hands the connection on; called once. Fires when nothing of the stream's is left on it. */
  done(): unknown;
}

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
  /** Fires with the connection; aborted when nobody wants it any more. */
  open(signal: AbortSignal): Promise<StreamPlace>;
}

const OVER = { value: undefined, done: true } as const;

/**
 * - `new`: nobody has asked for a row;
 * - `open`: rows are asked for, or may be;
 * - `ended`: no more rows come, and its cursor is being freed;
 * - `late`: the same, and its caller could not wait for that any longer;
 * - `closed`: nothing of it is left on its connection.
 */
type StreamState = "new" | "open" | "ended" | "late" | "closed";

/**
 * Rows one by one, read from the database no faster than they are asked for. Whatever ends it frees the cursor and
 * hands the connection on.
 */
export class RowStream<Row> implements AsyncIterableIterator<Row> {
  readonly #opener: StreamOpener;
  readonly #statement: Statement;
  readonly #options: StatementOptions;
  readonly #stop = new AbortController();
  #state: StreamState = "new";
  #limits: Limits | undefined;
  #opening: Promise<void> | undefined;
  #place: StreamPlace | undefined;
  #source: AsyncIterableIterator<unknown[]> | undefined;
  #batch: unknown[] = [];
  /** How many rows are asked for next. */
  #size = FIRST_ROWS;
  #position = 0;
  /** Calls of `next` that have not been answered, one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;
  /** Ends the wait for a connection, or for a batch; there is one while there is such a wait. */
  #halt: ((error: Error) => void) | undefined;
  /** Why it was ended from outside, until somebody has been told. */
  #given: Error | undefined;
  #closing: Promise<void> | undefined;
  /** Ends the waits for its end. */
  #waitNoLonger = (): void => {};
  /** Tells listeners of its end, once. */
  #tellEnd: ReturnType<typeof tracedUntil> | undefined;
  /** What they are told of it. */
  #failure: Failure | undefined;

  /** @internal */
  constructor(opener: StreamOpener, statement: Statement, options: StatementOptions) {
    this.#opener = opener;
    this.#statement = statement;
    this.#options = options;
  }

  next(): Promise<IteratorResult<Row, undefined>> {
    if (this.#pending === 0 && this.#position < this.#batch.length && !this.left) {
      return Promise.resolve(this.#taken());
    }
    this.#pending++;
    const answer = this.#last.then(() => this.#next());
    const over = () => {
      this.#pending--;
    };
    this.#last = answer.then(over, over);
    // V8 finds the line that waits for a promise only where nobody else waits for it too: this one is the caller's
    // alone.
    return answer.catch(recapture);
  }

  /** Leaves the stream: fires once the cursor is freed, or its time is over and it could not be. */
  async return(): Promise<IteratorResult<Row, undefined>> {
    await this.#ended();
    return OVER;
  }

  async throw(error?: unknown): Promise<IteratorResult<Row, undefined>> {
    await this.#ended();
    throw error;
  }

  /**
   * Ends it from outside: who goes on reading gets the error, and never takes the rows so far for all of them.
   * @internal
   */
  fail(error: Error): void {
    this.#give(error);
  }

  /** The same with a `CancelledError`. @internal */
  cancel(cause: unknown): void {
    this.#give(new CancelledError("the stream was cancelled", this.#details(cause)));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ended();
  }

  async #next(): Promise<IteratorResult<Row, undefined>> {
    if (this.#given !== undefined) return this.#sayGiven(this.#given);
    if (this.left) return OVER;
    if (this.#position < this.#batch.length) return this.#taken();
    try {
      if (this.#state === "new") await this.#open();
      for (;;) {
        const { value, done } = await this.#unlessGiven(() => this.#source!.next(this.#size));
        if (done === true) break;
        if (value.length === 0) continue;
        this.#size = sizeAfter(value);
        this.#batch = value;
        this.#position = 0;
        return this.#taken();
      }
      if (this.#opener.autocommitted && this.#place?.lease.session === "in transaction")
        throw leftOpen(this.#statement.sql);
    } catch (error) {
      if (this.#given !== undefined) return this.#sayGiven(this.#given);
      // Left meanwhile: the error of the batch that was on its way is ignored.
      if (this.left) return this.return();
      const why = this.#translated(error);
      this.#failure ??= new Failure(why);
      await this.#ended();
      throw why;
    }
    await this.#ended();
    return OVER;
  }

  #taken(): IteratorResult<Row, undefined> {
    return { value: this.#batch[this.#position++] as Row, done: false };
  }

  async #open(): Promise<void> {
    const { signal, timeoutMillis } = this.#options;
    const { trace } = this.#opener;
    this.#state = "open";
    if (trace !== undefined) this.#tellEnd = tracedUntil(channels.statement, trace);
    if (signal?.aborted) this.cancel(signal.reason);
    else if (signal !== undefined || timeoutMillis !== undefined)
      this.#limits = new Limits(timeoutMillis, signal, {
        expire: () => this.#expire(),
        overdue: () => this.#overdue(),
        cancel: (cause) => this.cancel(cause),
      });
    await this.#unlessGiven(() => {
      this.#opening = this.#take();
      return this.#opening;
    });
    const { conn } = this.#place!.lease;
    if (conn.stream === undefined) {
      throw new NotSupportedError(`the driver "${this.#opener.driver.name}" cannot stream: use runQuery`);
    }
    this.#source = conn.stream(this.#statement, this.#size);
  }

  async #take(): Promise<void> {
    const place = await this.#opener.open(this.#stop.signal);
    // It was left meanwhile, and the connection goes back as it came.
    if (this.left) await place.done();
    else this.#place = place;
  }

  /** It ends, or has ended. @internal */
  get left(): boolean {
    return (this.#state !== "new" && this.#state !== "open") || this.#stop.signal.aborted;
  }

  /** Whether its caller could not wait for its end, and it has not come yet. @internal */
  get late(): boolean {
    return this.#state === "late";
  }

  async #unlessGiven<T>(ask: () => Promise<T>): Promise<T> {
    this.#stop.signal.throwIfAborted();
    const given = new Promise<never>((_, reject) => {
      this.#halt = reject;
    });
    try {
      return await Promise.race([ask(), given]);
    } finally {
      this.#halt = undefined;
    }
  }

  #expire(): void {
    const message = `the stream's ${this.#options.timeoutMillis} ms (timeoutMillis) were over`;
    this.#give(new StatementTimeout(message, this.#details(undefined)));
  }

  #overdue(): void {
    this.#state = "late";
    this.#waitNoLonger();
  }

  /** It is to end now, whoever asks or does not ask for rows. */
  #give(error: Error): void {
    if (this.left) return;
    this.#given = error;
    this.#failure ??= new Failure(error);
    this.#opener.told?.(error);
    this.#stop.abort(error);
    // What runs is cancelled before who waits for it hears.
    void this.#close();
    this.#halt?.(error);
  }

  /**
   * Its end is told once; after that there are just no more rows. Who has cancelled it does not wait for its cursor.
   */
  async #sayGiven(error: Error): Promise<never> {
    if (!(error instanceof CancelledError)) await this.#ended();
    this.#given = undefined;
    throw error;
  }

  /** Fires once it is closed, or its caller can wait for that no longer. */
  async #ended(): Promise<void> {
    const closing = this.#close();
    if (this.#state === "late") return;
    await new Promise<void>((resolve, reject) => {
      closing.then(resolve, reject);
      const also = this.#waitNoLonger;
      this.#waitNoLonger = () => {
        also();
        resolve();
      };
    });
  }

  #close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#state = "ended";
    this.#batch = [];
    await this.#free();
    this.#state = "closed";
    this.#limits?.clear();
    this.#tellEnd?.(this.#failure);
  }

  async #free(): Promise<void> {
    const place = this.#place;
    if (place === undefined) {
      this.#stop.abort(new CancelledError("the stream was left"));
      await this.#opening?.catch(() => {});
      return;
    }
    const { lease } = place;
    const { cancellations } = lease;
    try {
      // The server is in the midst of a batch: only a cancel ends that soon.
      const cancelled = this.#halt && cancellations.stop(this.#statement);
      cancellations.limit();
      await lease.bounded(Promise.all([this.#source?.return?.(), cancelled?.done]));
    } catch {
      // Not every driver's state tells of rows that are still to come.
      if (lease.session !== "idle" && lease.session !== "in transaction") lease.destroy();
    }
    cancellations.relieve();
    await place.done();
  }

  #details(cause: unknown): { outcome: Outcome; sql: string; cause?: unknown } {
    const outcome = this.#place === undefined ? "not sent" : "unknown";
    return { outcome, sql: this.#statement.sql, ...(cause === undefined ? {} : { cause }) };
  }

  #translated(error: unknown): Error {
    return error instanceof CancelledError ? error : this.#opener.failure(error, this.#statement);
  }
}

/** A call that was refused: whoever asks for the first row is told. */
export function refusedStream<Row>(driver: Driver, error: unknown): RowStream<Row> {
  const opener = {
    driver,
    failure: (reason: unknown) => translated(driver, reason),
    open: () => Promise.reject(error),
  };
  return new RowStream(opener, { sql: "", params: undefined, rowMode: "object" }, {});
}

/** Those that come next are taken to be like the last of these. */
function sizeAfter(rows: readonly unknown[]): number {
  const some = rows.slice(-FIRST_ROWS);
  const size = Math.floor((BATCH_BYTES * some.length) / weightOf(some, 5));
  return Math.min(size, MOST_ROWS) || 1;
}
