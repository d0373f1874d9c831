import type { Statement } from "../../drivers/driver.js";
import { CancelledError, Failure } from "../defer/index.js";
import { INSPECT, inOneLine } from "../defer/inspect.js";
import { recapture } from "../defer/settlement.js";
import { channels, tracedUntil } from "../diagnostics/channels.js";
import { type Outcome, StatementTimeout } from "../errors/classes.js";
import { leftOpen } from "../errors/session-ended.js";
import type { StatementOptions } from "../options/call-options.js";
import { Limits } from "../timeouts/limits.js";
import { illegalMove } from "../transition.js";
import { StreamCursor, type StreamOpener } from "./stream-cursor.js";

const OVER = { value: undefined, done: true } as const;

/**
 * - `new`: no row has been asked for;
 * - `open`: rows are asked for, or may be;
 * - `ended`: no more rows come, and its cursor is being freed;
 * - `late`: the same, and its caller could not wait for that any longer;
 * - `closed`: nothing of it is left on its connection.
 */
type StreamState = "new" | "open" | "ended" | "late" | "closed";

const MOVES: Readonly<Record<StreamState, readonly StreamState[]>> = {
  new: ["open", "ended"],
  open: ["ended"],
  ended: ["late", "closed"],
  late: ["closed"],
  closed: [],
};

/**
 * Rows one by one, read from the database no faster than they are asked for. Whatever ends it frees the cursor and
 * hands the connection on.
 */
export class RowStream<Row> implements AsyncIterableIterator<Row> {
  readonly #opener: StreamOpener;
  readonly #statement: Statement;
  readonly #options: StatementOptions;
  readonly #cursor: StreamCursor;
  #state: StreamState = "new";
  #limits: Limits | undefined;
  #batch: unknown[] = [];
  #position = 0;
  /** Calls of `next` that have not been answered, one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;
  /** Why it was ended from outside, until its reader has been told. */
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
    this.#cursor = new StreamCursor(opener, statement);
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
    // V8 finds the line that waits for a promise only where no other code waits for it too: this one is the caller's
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

  /** For `console.log`. */
  [INSPECT](): string {
    return `RowStream { <${this.#state}>, ${inOneLine(this.#statement.sql)} }`;
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

  /** Its time is over. @internal */
  expire(): void {
    const message = `the stream's ${this.#options.timeoutMillis} ms (timeoutMillis) were over`;
    this.#give(new StatementTimeout(message, this.#details(undefined)));
  }

  /** It has not ended since: its reader waits no longer. @internal */
  overdue(): void {
    this.#move("late");
    this.#waitNoLonger();
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
      const batch = await this.#cursor.next();
      if (batch !== undefined) {
        this.#batch = batch;
        this.#position = 0;
        return this.#taken();
      }
      if (this.#opener.autocommitted && this.#cursor.inTransaction) throw leftOpen(this.#statement.sql);
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
    this.#move("open");
    if (trace !== undefined) this.#tellEnd = tracedUntil(channels.statement, trace);
    if (signal?.aborted) this.cancel(signal.reason);
    else if (signal !== undefined || timeoutMillis !== undefined)
      this.#limits = new Limits(timeoutMillis, signal, this);
    await this.#cursor.open();
  }

  /** It ends, or has ended. @internal */
  get left(): boolean {
    return (this.#state !== "new" && this.#state !== "open") || this.#cursor.stopped;
  }

  /** Whether its caller could not wait for its end, and it has not come yet. @internal */
  get late(): boolean {
    return this.#state === "late";
  }

  /** It is to end now, whether rows are asked for or not. */
  #give(error: Error): void {
    if (this.left) return;
    this.#given = error;
    this.#failure ??= new Failure(error);
    this.#opener.told?.(error);
    this.#cursor.stop(error);
    // What runs is cancelled before its reader hears.
    void this.#close();
    this.#cursor.endWait(error);
  }

  /**
   * Its end is told once; after that there are just no more rows. A caller that has cancelled it does not wait for the
   * cursor.
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
    this.#move("ended");
    this.#batch = [];
    await this.#cursor.free();
    this.#move("closed");
    this.#limits?.clear();
    this.#tellEnd?.(this.#failure);
  }

  #details(cause: unknown): { outcome: Outcome; sql: string; cause?: unknown } {
    const outcome = this.#cursor.placed ? "unknown" : "not sent";
    return { outcome, sql: this.#statement.sql, ...(cause === undefined ? {} : { cause }) };
  }

  #translated(error: unknown): Error {
    return error instanceof CancelledError ? error : this.#opener.failure(error, this.#statement);
  }

  #move(to: StreamState): void {
    if (!MOVES[this.#state].includes(to)) throw illegalMove("a stream", this.#state, to);
    this.#state = to;
  }
}
