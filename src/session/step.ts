import { CancelledError, Deferred } from "../defer/index.js";
import type { AdbapiError, Outcome, StatementTimeout } from "../errors/classes.js";
import type { End } from "../errors/session-ended.js";
import type { InteractionLimits } from "../options/call-options.js";
import { Waiter } from "../statement/waiting-line.js";
import { Limits } from "../timeouts/limits.js";

export interface StepHooks {
  /** It failed: heard before the caller is. */
  failed(): void;
  /** It was given up while it ran: nobody waits for what the session still owes it. */
  owed(): void;
  /** What its caller is told when it is given up. */
  told(error: End): void;
  /** What becomes of what it did, once it has ended for its time. */
  expiredOutcome(): Outcome;
  /** What it fails with then. */
  timeout(timeoutMillis: number | undefined, outcome: Outcome): StatementTimeout;
}

/**
 * - `waiting`: for its turn;
 * - `begun`: what it does is under way;
 * - `late`: the same, and its caller could not wait for its end any longer;
 * - `ended`: over.
 */
type StepState = "waiting" | "begun" | "late" | "ended";

/** A turn of the session that is no single statement: a savepoint, a bulk, a nested interaction, a stream. */
export class Step<T = unknown> extends Waiter {
  readonly deferred = new Deferred<T>(() => this.cancel(undefined));
  readonly #act: (step: Step<T>) => Promise<T>;
  readonly #hooks: StepHooks;
  readonly #limits: Limits | undefined;
  #state: StepState = "waiting";
  #givenUp: End | undefined;
  /** Set by what can be left before its end; called once at most. */
  whenGivenUp: ((error: End) => void) | undefined;

  /**
   * @param act what it does; where it can be left, it throws `givenUp`.
   */
  constructor(act: (step: Step<T>) => Promise<T>, hooks: StepHooks, limits: InteractionLimits = {}) {
    super("adbapi.Step");
    this.#act = act;
    this.#hooks = hooks;
    const { timeoutMillis, signal } = limits;
    if (timeoutMillis !== undefined || signal !== undefined)
      this.#limits = new Limits(timeoutMillis, signal, this);
  }

  /** Why nobody wants its end any more: it was cancelled, or its time is over, or what it is a part of was given up. */
  get givenUp(): End | undefined {
    return this.#givenUp;
  }

  /** Its time begins anew: it is its turn. */
  restart(): void {
    this.#limits?.restart();
  }

  override refuse(error: AdbapiError): void {
    this.#limits?.clear();
    this.#errback(error);
  }

  /** Never rejects. */
  async perform(): Promise<void> {
    this.#state = "begun";
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
    this.line?.remove(this);
    this.#limits?.clear();
    this.#hooks.told(error);
    this.#errback(error);
    this.giveUp(error);
  }

  /** Its time is over: the caller hears once what it did has ended. */
  expire(): void {
    const begun = this.#state === "begun";
    const outcome = begun ? this.#hooks.expiredOutcome() : "not sent";
    const error = this.#hooks.timeout(this.#limits?.timeoutMillis, outcome);
    this.#hooks.told(error);
    if (begun) this.giveUp(error);
    else {
      this.line?.remove(this);
      this.#limits?.clear();
      this.#fail(error);
    }
  }

  /** It has not ended since: the connection may be stalled. */
  overdue(): void {
    this.fail(this.#givenUp);
  }

  /** Whether its caller has heard of its failure by a deadline, while it has not ended. */
  get late(): boolean {
    return this.#state === "late";
  }

  /** The caller hears of its failure now; it goes on to its end. */
  fail(error: unknown): void {
    if (this.deferred.called) return;
    this.#state = "late";
    this.#limits?.clear();
    this.#fail(error);
  }

  /** What has begun is left as soon as it can be. */
  giveUp(error: End): void {
    if (this.#givenUp !== undefined) return;
    this.#givenUp = error;
    if (this.#state === "begun") this.#hooks.owed();
    this.whenGivenUp?.(error);
  }

  #end(): void {
    this.#state = "ended";
    this.#limits?.clear();
    this.whenGivenUp = undefined;
  }

  #fail(error: unknown): void {
    this.#hooks.failed();
    this.#errback(error);
  }

  #errback(error: unknown): void {
    this.runInAsyncScope(this.deferred.errback, this.deferred, error);
  }
}
