import type { Cancellation, Params, Result, RowMode, Statement } from "../../drivers/driver.js";
import { CancelledError, Deferred } from "../defer/index.js";
import { inOneLine } from "../defer/inspect.js";
import {
  type AdbapiError,
  ConnectionLost,
  InternalError,
  type Outcome,
  type StatementTimeout,
} from "../errors/classes.js";
import { statementTimeout, unsentError } from "../errors/given-up.js";
import type { StatementOptions } from "../options/call-options.js";
import { Limits } from "../timeouts/limits.js";
import { illegalMove } from "../transition.js";
import { JOB_MOVES, type JobState } from "./job-state.js";
import type { ResultLimit } from "./result-limit.js";
import type { TextFacts } from "./text-statistics.js";
import { NO_END, Waiter } from "./waiting-line.js";

const NO_RESULT = "the driver's execute fired with no Result: its `rows` must be an array";

/** Who carries a job: the dispatcher for autocommitted statements, a session for those of a transaction. */
export interface JobCarrier {
  /** Takes a waiting job out of its line. */
  withdraw(job: StatementJob): void;
  /** Asks the server to stop a sent job, and keeps its connection from everyone until it has. */
  interrupt(job: StatementJob): Cancellation;
  /** What becomes of a statement whose connection dies: `"unknown"`, or `"not applied"` in a transaction. */
  readonly lostOutcome: Outcome;
  /** Hears of what its callers were told. */
  told?(error: object): void;
}

/** Where the statements of one connection stand, in the order sent. */
export interface JobPlace {
  readonly jobs: readonly StatementJob[];
}

/** One statement of a caller, from the call to its answer. Exactly one answer reaches its Deferred. */
export class StatementJob extends Waiter implements Statement {
  sql: string;
  readonly params: Params | undefined;
  readonly rowMode: RowMode;
  // biome-ignore lint/suspicious/noExplicitAny: what the caller's verb picks from the result
  readonly deferred: Deferred<any>;
  /** Changed by `#move` alone. */
  readonly state: JobState = "waiting";
  /** How often it has been put on a connection. */
  sends = 0;
  /** The dispatcher's: what is known of the text, and the connection that it is on. */
  text: TextFacts | undefined;
  place: JobPlace | undefined;
  /** Called when it is put on a connection, while a listener wants to know. */
  onSent: (() => void) | undefined;

  readonly #carrier: JobCarrier;
  readonly #pick: ((result: Result) => unknown) | undefined;
  readonly #limits: Limits | undefined;
  #resultLimit: ResultLimit | undefined;
  /** What is known of it since it was to be stopped. */
  #known: Outcome = "unknown";

  /** @param pick what its caller is given of the result; undefined: its rows */
  constructor(
    carrier: JobCarrier,
    sql: string,
    params: Params | undefined,
    pick: ((result: Result) => unknown) | undefined,
    options: StatementOptions | undefined,
    timeoutMillis: number | undefined,
  ) {
    super("adbapi.Statement", NO_END);
    this.#carrier = carrier;
    this.sql = sql;
    this.params = params;
    this.rowMode = options?.rowMode ?? "object";
    this.#pick = pick;
    this.deferred = new JobDeferred(this);
    const signal = options?.signal;
    this.#limits =
      timeoutMillis === undefined && signal === undefined
        ? undefined
        : new Limits(timeoutMillis, signal, this);
  }

  /** Whether the server was asked to stop it. */
  get givenUp(): boolean {
    return this.state !== "waiting" && this.state !== "sent" && this.state !== "settled";
  }

  override refuse(error: AdbapiError): void {
    this.#move("settled");
    this.#fail(error);
  }

  /** It goes onto a connection; from here on, only a loss can bring it back. */
  sent(place?: JobPlace): void {
    this.#move("sent");
    this.place = place;
    this.sends++;
  }

  /** It is at the head of its connection: the time that it may take begins now. */
  begun(resultLimit?: ResultLimit): void {
    if (this.state !== "sent") return;
    this.#limits?.restart();
    this.#resultLimit = resultLimit;
    resultLimit?.watch(() => this.#outgrown());
  }

  /** Nothing of it was done, and it waits again. */
  returned(): void {
    this.#move("waiting");
    this.#limits?.restart();
  }

  answered(result: Result): void {
    const state = this.state;
    this.#move("settled");
    if (state === "sent" || state === "waiting") {
      let value: unknown;
      try {
        if (!Array.isArray(result?.rows)) throw new InternalError(NO_RESULT, { sql: this.sql });
        if (this.#resultLimit?.exceededBy(result.rows)) throw this.#resultLimit.error(this.sql, "applied");
        value = this.#pick === undefined ? result.rows : this.#pick(result);
      } catch (error) {
        this.#fail(error as object);
        return;
      }
      this.runInAsyncScope(this.deferred.callback, this.deferred, value);
    } else if (state === "expired") this.#fail(this.#timeout("applied"));
    else if (state === "outgrown") this.#fail(this.#resultLimit!.error(this.sql, "applied"));
  }

  /** `cancelled` is what the driver knows when the error is the server's answer to a cancel. */
  failed(error: AdbapiError, cancelled: Outcome | undefined): void {
    const state = this.state;
    this.#move("settled");
    if (state === "sent") this.#fail(error);
    else if (state === "expired") {
      if (cancelled !== undefined) this.#fail(this.#timeout(cancelled, error));
      else if (error instanceof ConnectionLost) this.#fail(this.#timeout(error.outcome, error));
      else this.#fail(error);
    } else if (state === "outgrown") {
      const outcome = cancelled ?? error.outcome ?? "unknown";
      this.#fail(this.#resultLimit!.error(this.sql, outcome, error));
    }
  }

  /** It has settled, after its caller was answered. */
  over(): void {
    this.#move("settled");
  }

  cancel(cause: unknown): void {
    if (this.state === "waiting") {
      this.#carrier.withdraw(this);
      this.#move("settled");
      this.#fail(unsentError(cause, this.sql));
    } else if (this.state === "sent" || this.state === "expired" || this.state === "outgrown") {
      this.#move("abandoned");
      const { outcome } = this.#carrier.interrupt(this);
      this.#fail(new CancelledError("cancelled while it ran", { cause, outcome, sql: this.sql }));
    }
  }

  #fail(error: object): void {
    this.#carrier.told?.(error);
    this.runInAsyncScope(this.deferred.errback, this.deferred, error);
  }

  /** Its time is over. */
  expire(): void {
    if (this.state === "waiting") {
      this.#carrier.withdraw(this);
      this.#move("settled");
      this.#fail(this.#timeout("not sent"));
    } else if (this.state === "sent" && !this.#behindOthers) this.#stop();
  }

  /** It has not settled since, or not even begun: the connection may be stalled. */
  overdue(): void {
    if (this.state === "sent") this.#stop();
    this.#move("late");
    this.#fail(this.#timeout(this.#known));
  }

  #outgrown(): void {
    if (this.state !== "sent") return;
    this.#move("outgrown");
    this.#known = this.#carrier.interrupt(this).outcome;
  }

  #stop(): void {
    this.#move("expired");
    this.#known = this.#carrier.interrupt(this).outcome;
  }

  /** Its time has not begun. */
  get #behindOthers(): boolean {
    return this.place !== undefined && this.place.jobs[0] !== this;
  }

  #timeout(outcome: Outcome, cause?: unknown): StatementTimeout {
    return statementTimeout(this.#limits?.timeoutMillis, outcome, this.sql, cause);
  }

  #move(to: JobState): void {
    if (!JOB_MOVES[this.state].includes(to)) throw illegalMove("a statement", this.state, to);
    (this as { state: JobState }).state = to;
    if (to !== "sent") this.#resultLimit?.forget();
    if (to === "settled" || to === "abandoned" || to === "late") this.#limits?.clear();
  }
}

/** A hundred thousand may wait: the way back to the job is a field, not a closure for each. */
class JobDeferred extends Deferred<unknown> {
  readonly #job: StatementJob;

  constructor(job: StatementJob) {
    super(JobDeferred.#cancel);
    this.#job = job;
  }

  /** The text: params are never shown. */
  protected override get subject(): string {
    return inOneLine(this.#job.sql);
  }

  static #cancel(deferred: Deferred<unknown>): void {
    (deferred as JobDeferred).#job.cancel(undefined);
  }
}
