import type { Driver, Statement } from "../drivers/driver.js";
import { unwatchAbort, watchAbort } from "./abort-watch.js";
import type { StatementOptions } from "./call-options.js";
import { within } from "./deadline.js";
import { CancelledError, Failure } from "./defer/index.js";
import { channels, type StatementTrace, tracedUntil } from "./diagnostics.js";
import { cancelOn, translated } from "./driver-faults.js";
import { withDetails } from "./error-details.js";
import { NotSupportedError, OperationalError, type Outcome, StatementTimeout } from "./errors.js";
import type { Lease } from "./lease.js";
import { leftOpen } from "./session-errors.js";

/** Rows asked of the driver at a time. */
const BATCH = 256;
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
  readonly lostOutcome: Outcome;
  /** Whether it stands alone: then it must not leave a transaction open. */
  readonly autocommitted?: boolean;
  /** Hears of what its caller is told. */
  told?(error: object): void;
  /** Fires with the connection; aborted when nobody wants it any more. */
  open(signal: AbortSignal): Promise<StreamPlace>;
}

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
  #position = 0;
  /** Calls of `next` that have not been answered, one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #pulling = false;
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
    if (this.#pending === 0 && this.#position < this.#batch.length && !this.#left) {
      return Promise.resolve({ value: this.#batch[this.#position++] as Row, done: false });
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
    return { value: undefined, done: true };
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
    if (this.#position < this.#batch.length)
      return { value: this.#batch[this.#position++] as Row, done: false };
    if (this.#state === "ended") return { value: undefined, done: true };
    try {
      if (this.#state === "new") await this.#open();
      for (;;) {
        const { value, done } = await this.#pull();
        if (done === true) break;
        this.#batch = value;
        this.#position = 0;
        if (value.length > 0) return { value: this.#batch[this.#position++] as Row, done: false };
      }
      if (this.#opener.autocommitted && this.#place?.lease.session === "in transaction")
        throw leftOpen(this.#statement.sql);
    } catch (error) {
      const why = this.#given === undefined ? this.#translated(error) : this.#reported();
      this.#failure ??= new Failure(why);
      await this.#close();
      throw why;
    }
    await this.#close();
    return { value: undefined, done: true };
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
    if (this.#left) throw this.#stop.signal.reason;
    const place = await this.#opener.open(this.#stop.signal);
    if (this.#left) {
      await place.done();
      throw this.#stop.signal.reason ?? new CancelledError("the stream was left");
    }
    this.#place = place;
    const { conn } = place.lease;
    if (conn.stream === undefined) {
      throw new NotSupportedError(`the driver "${this.#opener.driver.name}" cannot stream: use runQuery`);
    }
    this.#source = conn.stream(this.#statement, BATCH);
  }

  get #left(): boolean {
    return this.#state === "ended" || this.#stop.signal.aborted;
  }

  async #pull(): Promise<IteratorResult<unknown[]>> {
    const { signal } = this.#stop;
    if (signal.aborted) throw signal.reason;
    let onAbort!: () => void;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
    });
    this.#pulling = true;
    try {
      return await Promise.race([this.#source!.next(), aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      if (!signal.aborted) this.#pulling = false;
    }
  }

  /** It is to end now, whoever asks or does not ask for rows. */
  #give(error: Error): void {
    if (this.#left) return;
    this.#given = error;
    this.#failure ??= new Failure(error);
    this.#opener.told?.(error);
    this.#stop.abort(error);
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
      if (!this.#stop.signal.aborted) this.#stop.abort(new CancelledError("the stream was left"));
      return;
    }
    const { lease } = place;
    const overdue = new OperationalError(`the cursor was not freed in ${SETTLE_MILLIS} ms`);
    try {
      // The server is in the midst of a batch: only a cancel ends that soon.
      const cancelled = this.#pulling ? cancelOn(lease, this.#statement) : undefined;
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
    if (error instanceof CancelledError) return error;
    const { sql, params } = this.#statement;
    return withDetails(translated(this.#opener.driver, error), {
      sql,
      params,
      outcome: this.#opener.lostOutcome,
    });
  }
}

/** A call that was refused: whoever asks for the first row is told. */
export function refusedStream<Row>(driver: Driver, error: unknown): RowStream<Row> {
  const opener = { driver, lostOutcome: "unknown" as const, open: () => Promise.reject(error) };
  return new RowStream(opener, { sql: "", params: undefined, rowMode: "object" }, {});
}
