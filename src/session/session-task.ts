import { CancelledError, Deferred } from "../defer/index.js";
import type { AdbapiError, Outcome, StatementTimeout } from "../errors/classes.js";
import { interactionTimeout } from "../errors/given-up.js";
import type { End } from "../errors/session-ended.js";
import type { InteractionLimits } from "../options/call-options.js";
import { NO_END, Waiter } from "../statement/waiting-line.js";
import { Limits } from "../timeouts/limits.js";
import { illegalMove } from "../transition.js";

/** What a task needs of the sequence that it is a part of. */
export interface TaskCarrier {
  /** What becomes of what was done, when nothing more comes. */
  readonly lostOutcome: Outcome;
  /** The server is owed an answer that no caller waits for: it has so long to give it. */
  limit(): void;
  /** A caller is told of this error. */
  told(error: object): void;
  /** The task has failed; its caller is not told yet. */
  failed(deferred: Deferred<unknown>): void;
}

/** What a task fails with when its time is over; without, it is that of an interaction. */
export interface TaskTimeout {
  /** What becomes of what it has done, once it has ended for its time. */
  readonly outcome: Outcome;
  error(timeoutMillis: number | undefined, outcome: Outcome): StatementTimeout;
}

/**
 * - `waiting`: for its turn;
 * - `begun`: what it does is under way;
 * - `late`: the same, and its caller could not wait for its end any longer;
 * - `ended`: over.
 */
type TaskState = "waiting" | "begun" | "late" | "ended";

const MOVES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  waiting: ["begun", "ended"],
  begun: ["late", "ended"],
  late: ["ended"],
  ended: [],
};

/** A turn of the session that is no single statement: a savepoint, `executeMany`, a nested interaction, a stream. */
export class SessionTask<T = unknown> extends Waiter {
  readonly deferred = new Deferred<T>(() => this.cancel(undefined));
  readonly #carrier: TaskCarrier;
  readonly #act: (task: SessionTask<T>) => Promise<T>;
  readonly #timeout: TaskTimeout | undefined;
  readonly #limits: Limits | undefined;
  #state: TaskState = "waiting";
  #givenUp: End | undefined;
  /** Set by what can be left before its end; called once at most. */
  whenGivenUp: ((error: End) => void) | undefined;

  /** @param act what it does; where it can be left before its end, it throws `givenUp`. */
  constructor(
    carrier: TaskCarrier,
    act: (task: SessionTask<T>) => Promise<T>,
    limits: InteractionLimits | undefined,
    timeout: TaskTimeout | undefined,
  ) {
    super("adbapi.SessionTask", NO_END);
    this.#carrier = carrier;
    this.#act = act;
    this.#timeout = timeout;
    if (limits?.timeoutMillis !== undefined || limits?.signal !== undefined)
      this.#limits = new Limits(limits.timeoutMillis, limits.signal, this);
  }

  /** Why it is to end soon: it was cancelled, its time is over, or what it is a part of was given up. */
  get givenUp(): End | undefined {
    return this.#givenUp;
  }

  /** Whether its caller has heard of its failure by a deadline, while it has not ended. */
  get late(): boolean {
    return this.#state === "late";
  }

  /** Its time begins anew: it is its turn. */
  restart(): void {
    this.#limits?.restart();
  }

  override refuse(error: AdbapiError): void {
    this.#end();
    this.#errback(error);
  }

  /** Never rejects. */
  async perform(): Promise<void> {
    this.#move("begun");
    try {
      const value = await this.runInAsyncScope(this.#act, undefined, this).finally(() => this.#end());
      if (!this.deferred.called) this.runInAsyncScope(this.deferred.callback, this.deferred, value);
    } catch (error) {
      if (!this.deferred.called) this.#fail(error);
    }
  }

  /** The caller hears at once. */
  cancel(cause: unknown): void {
    if (this.deferred.called) return;
    const begun = this.#state === "begun";
    const error = new CancelledError(`cancelled ${begun ? "while it ran" : "before it was sent"}`, {
      ...(cause === undefined ? {} : { cause }),
      outcome: begun ? "unknown" : "not sent",
    });
    this.#carrier.told(error);
    if (begun) this.#limits?.clear();
    else this.#leave();
    this.#errback(error);
    this.giveUp(error);
  }

  /** Its time is over: the caller hears once what it did has ended. */
  expire(): void {
    const begun = this.#state === "begun";
    const outcome = begun ? (this.#timeout?.outcome ?? this.#carrier.lostOutcome) : "not sent";
    const makeError = this.#timeout?.error ?? interactionTimeout;
    const error = makeError(this.#limits?.timeoutMillis, outcome);
    this.#carrier.told(error);
    if (begun) this.giveUp(error);
    else {
      this.#leave();
      this.#fail(error);
    }
  }

  /** It has not ended since: the connection may be stalled. */
  overdue(): void {
    this.fail(this.#givenUp);
  }

  /** The caller hears of its failure now; it goes on to its end. */
  fail(error: unknown): void {
    if (this.deferred.called) return;
    this.#move("late");
    this.#limits?.clear();
    this.#fail(error);
  }

  /** What has begun is left as soon as it can be, and the session has so long to settle. */
  giveUp(error: End): void {
    if (this.#givenUp !== undefined) return;
    this.#givenUp = error;
    if (this.#state === "begun") this.#carrier.limit();
    this.whenGivenUp?.(error);
  }

  /** It has not had its turn, and will not. */
  #leave(): void {
    this.line?.remove(this);
    this.#end();
  }

  #end(): void {
    this.#move("ended");
    this.#limits?.clear();
    this.whenGivenUp = undefined;
  }

  #fail(error: unknown): void {
    this.#carrier.failed(this.deferred);
    this.#errback(error);
  }

  #errback(error: unknown): void {
    this.runInAsyncScope(this.deferred.errback, this.deferred, error);
  }

  #move(to: TaskState): void {
    if (!MOVES[this.#state].includes(to)) throw illegalMove("a task", this.#state, to);
    this.#state = to;
  }
}
