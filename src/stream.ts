import type { Driver, Statement } from "../drivers/driver.js";
import { unwatchAbort, watchAbort } from "./abort-watch.js";
import type { StatementOptions } from "./call-options.js";
import { within } from "./deadline.js";
import { CancelledError, Failure } from "./defer/index.js";
import { channels, type StatementTrace, tracedUntil } from "./diagnostics.js";
import { cancelOn, translated } from "./driver-faults.js";
import {
  type AdbapiError,
  NotSupportedError,
  OperationalError,
  type Outcome,
  StatementTimeout,
} from "./errors.js";
import type { Lease } from "./lease.js";
import { leftOpen } from "./session-errors.js";

/** Rows asked of the driver at a time: few until it is known how wide they are, then as many as weigh about this, in bytes. */
const FIRST_ROWS = 16;
const MOST_ROWS = 256;
const BATCH_BYTES = 1e6;
/** The longest that the server may take to free a cursor; then the connection is destroyed. */
const SETTLE_MILLIS = 5_000;

/** A connection for a stream, for as long as it takes. */
export interface StreamPlace {
  readonly lease: Lease;
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

type StreamState = "new" | "open" | "ended";

/** Rows one by one, read from the database no faster than they are asked for. Whatever ends it frees the cursor and hands the connection on. */
export class RowStream<Row> implements AsyncIterableIterator<Row> {
  readonly #opener: StreamOpener;
  readonly #statement: Statement;
  readonly #options: StatementOptions;
  readonly #stop = new AbortController();
  #state: StreamState = "new";
  #place: StreamPlace | undefined;
  #source: AsyncIterableIterator<unknown[]> | undefined;
  #batch: unknown[] = [];
  /** How many rows are asked for next. */
  #size = FIRST_ROWS;
  #position = 0;
  /** Calls of `next` that have not been answered, one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;
  /** Ends the wait for a batch; there is one while the driver is asked for it. */
  #halt: ((error: Error) => void) | undefined;
  /** Why it was ended from outside, until somebody has been told. */
  #given: Error | undefined;
  #closing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Tells listeners of its end, once. */
  #tellEnd: ReturnType<typeof tracedUntil> | undefined;
  /** What they are told of it. */
  #failure: Failure | undefined;
  readonly #onAbort = () => this.cancel(this.#options.signal?.reason);

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
    return answer;
  }

  /** Leaves the stream: fires once the cursor is freed. */
  async return(): Promise<IteratorResult<Row, undefined>> {
    await this.#close();
    return OVER;
  }

  async throw(error?: unknown): Promise<IteratorResult<Row, undefined>> {
    await this.#close();
    throw error;
  }

  /** Ends it from outside: who goes on reading gets the error, and never takes the rows so far for all of them. @internal */
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
    await this.#close();
  }

  async #next(): Promise<IteratorResult<Row, undefined>> {
    if (this.#given !== undefined) {
      await this.#closing;
      throw this.#reported();
    }
    if (this.#state === "ended") return OVER;
    if (this.#position < this.#batch.length) return this.#taken();
    try {
      if (this.#state === "new") await this.#open();
      for (;;) {
        const { value, done } = await this.#pull();
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
      // Left meanwhile: what its end made of the batch is nobody's affair.
      if (this.#given === undefined && this.left) return this.return();
      const why = this.#given === undefined ? this.#translated(error) : this.#reported();
      this.#failure ??= new Failure(why);
      await this.#close();
      throw why;
    }
    await this.#close();
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
    if (signal?.aborted) {
      this.#onAbort();
      throw this.#stop.signal.reason;
    }
    if (signal !== undefined) watchAbort(signal, this.#onAbort);
    if (timeoutMillis !== undefined) {
      const message = `the stream's ${timeoutMillis} ms (timeoutMillis) were over`;
      this.#timer = setTimeout(
        () => this.#give(new StatementTimeout(message, this.#details(undefined))),
        timeoutMillis,
      );
    }
    const place = await this.#opener.open(this.#stop.signal);
    if (this.left) {
      await place.done();
      throw this.#stop.signal.reason;
    }
    this.#place = place;
    const { conn } = place.lease;
    if (conn.stream === undefined) {
      throw new NotSupportedError(`the driver "${this.#opener.driver.name}" cannot stream: use runQuery`);
    }
    this.#source = conn.stream(this.#statement, this.#size);
  }

  /** It ends, or has ended. @internal */
  get left(): boolean {
    return this.#state === "ended" || this.#stop.signal.aborted;
  }

  async #pull(): Promise<IteratorResult<unknown[]>> {
    this.#stop.signal.throwIfAborted();
    const given = new Promise<never>((_, reject) => {
      this.#halt = reject;
    });
    try {
      return await Promise.race([this.#source!.next(this.#size), given]);
    } finally {
      this.#halt = undefined;
    }
  }

  /** It is to end now, whoever asks or does not ask for rows. */
  #give(error: Error): void {
    if (this.left) return;
    this.#given = error;
    this.#failure ??= new Failure(error);
    this.#opener.told?.(error);
    this.#stop.abort(error);
    this.#halt?.(error);
    void this.#close();
  }

  /** Its end is told once; after that there are just no more rows. */
  #reported(): unknown {
    const error = this.#given;
    this.#given = undefined;
    return error;
  }

  #close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await this.#free();
    this.#tellEnd?.(this.#failure);
  }

  async #free(): Promise<void> {
    this.#state = "ended";
    this.#batch = [];
    clearTimeout(this.#timer);
    if (this.#options.signal !== undefined) unwatchAbort(this.#options.signal, this.#onAbort);
    const place = this.#place;
    if (place === undefined) {
      this.#stop.abort(new CancelledError("it was left"));
      return;
    }
    const { lease } = place;
    const overdue = new OperationalError(`the cursor was not freed in ${SETTLE_MILLIS} ms`);
    try {
      // The server is in the midst of a batch: only a cancel ends that soon.
      const cancelled = this.#halt ? cancelOn(lease, this.#statement) : undefined;
      await within(Promise.all([this.#source?.return?.(), cancelled?.done]), SETTLE_MILLIS, () => overdue);
    } catch (error) {
      // Not every driver's state tells of rows that are still to come.
      if (error === overdue || (lease.session !== "idle" && lease.session !== "in transaction"))
        lease.destroy();
    }
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

/** About how many bytes it holds. What a type parser has made may refer to itself: only the upper levels are looked at. */
function weightOf(value: unknown, levels: number): number {
  if (typeof value === "string") return value.length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== "object" || !value || !levels) return 8;
  return Object.values(value).reduce<number>((sum, part) => sum + weightOf(part, levels - 1), 8);
}
