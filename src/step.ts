import { CancelledError, Deferred } from "./defer/index.js";
import type { AdbapiError } from "./errors.js";
import { Waiter } from "./waiting-line.js";

export interface StepHooks {
  /** It failed: heard before the caller is. */
  failed(): void;
  /** What its caller is told when it is cancelled. */
  told(error: CancelledError): void;
}

/** A turn of the session that is no single statement: a savepoint, a bulk, a nested interaction, a stream. */
export class Step<T = unknown> extends Waiter {
  readonly deferred = new Deferred<T>(() => this.#cancel());
  readonly #act: (step: Step<T>) => Promise<T>;
  readonly #hooks: StepHooks;
  #begun = false;
  /** Set by what can be left before its end; called once. */
  whenCancelled: ((error: CancelledError) => void) | undefined;

  /**
   * @param act what it does; looks at `cancelled` where it can be left.
   */
  constructor(act: (step: Step<T>) => Promise<T>, hooks: StepHooks) {
    super();
    this.#act = act;
    this.#hooks = hooks;
  }

  /** The caller has been answered. */
  get cancelled(): boolean {
    return this.deferred.called;
  }

  override refuse(error: AdbapiError): void {
    this.deferred.errback(error);
  }

  /** Never rejects. */
  async perform(): Promise<void> {
    this.#begun = true;
    try {
      const value = await this.#act(this);
      if (!this.cancelled) this.deferred.callback(value);
    } catch (error) {
      if (this.cancelled) return;
      this.#hooks.failed();
      this.deferred.errback(error);
    }
  }

  #cancel(): void {
    this.line?.remove(this);
    const when = this.#begun ? "while it ran" : "before it was sent";
    const error = new CancelledError(`cancelled ${when}`, { outcome: this.#begun ? "unknown" : "not sent" });
    this.#hooks.told(error);
    this.deferred.errback(error);
    this.whenCancelled?.(error);
  }
}
