import { CancelledError } from "../defer/index.js";
import { channels, tracedPromise } from "../diagnostics/channels.js";
import type { Dispatcher } from "../dispatch/dispatcher.js";
import { type AdbapiError, StatementTimeout } from "../errors/classes.js";
import { interactionTimeout } from "../errors/given-up.js";
import type { Outcome } from "../errors/outcome.js";
import { type End, overError } from "../errors/session-ended.js";
import type { InteractionOptions } from "../options/call-options.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { Session, type SessionContext } from "../session/session.js";
import type { InteractionCall } from "./call.js";
import { InteractionState } from "./interaction-state.js";
import type { InteractionKind } from "./kind.js";
import { Retries } from "./retry.js";

export interface InteractionContext extends SessionContext {
  readonly dispatcher: Dispatcher;
}

/**
 * A function's work in one transaction, from the call to its answer: gets a connection, runs the function, commits or
 * rolls back, and runs it all again where that was asked for and is sound.
 */
export class Interaction<T> extends InteractionState<T> {
  readonly holder: string;
  readonly writes: boolean;
  readonly stack: string | undefined;
  readonly #context: InteractionContext;
  readonly #kind: InteractionKind;
  readonly #call: InteractionCall;
  readonly #options: InteractionOptions;
  readonly #retries: Retries | undefined;
  #granted: ((connection: PooledConnection) => void) | undefined;
  #refused: ((error: unknown) => void) | undefined;
  #session: Session | undefined;
  /** Why it is to stop: a cancel, a timeout. */
  #stopped: End | undefined;
  /** What the function's work has come to, while the session is made ready for the next caller. */
  #done: { readonly value: T } | undefined;

  /** @param unanswered it is one of these until its caller has the answer */
  constructor(
    context: InteractionContext,
    kind: InteractionKind,
    call: InteractionCall,
    stack: string | undefined,
    unanswered: Set<InteractionState<T>>,
  ) {
    super(unanswered);
    this.#context = context;
    this.#kind = kind;
    this.#call = call;
    this.#options = call.options;
    if (call.options.retries) this.#retries = new Retries(call.options.retries);
    this.holder = kind.verb;
    this.writes = this.#options.readOnly !== true;
    this.stack = stack;
  }

  start(): void {
    const { signal, timeoutMillis } = this.#options;
    if (signal !== undefined || timeoutMillis !== undefined) this.limit(timeoutMillis, signal);
    void this.#run();
  }

  override grant(connection: PooledConnection): void {
    this.move("running");
    this.#granted?.(connection);
  }

  override refuse(error: AdbapiError): void {
    this.#refused?.(error);
  }

  /** The caller hears at once; the connection is handed on when the server has settled. */
  cancel(cause: unknown): void {
    if (this.state === "settled") return;
    const error = new CancelledError("the interaction was cancelled", {
      ...(cause === undefined ? {} : { cause }),
      outcome: this.#outcome,
    });
    this.#stop(error);
    this.fail(error);
  }

  /** Its time is over: the caller hears when it is rolled back. */
  expire(): void {
    if (this.state === "settled") return;
    this.#stop(interactionTimeout(this.#options.timeoutMillis, this.#outcome));
  }

  /** Nothing has settled since: the caller hears now, and the session settles, or is destroyed, behind that. */
  overdue(): void {
    if (this.#done === undefined) this.fail(this.#stopped);
    else this.fire(this.#done.value);
  }

  async #run(): Promise<void> {
    for (;;) {
      try {
        this.fire(await this.#attempt());
        return;
      } catch (error) {
        if (!this.#mayRunAgain(error)) return this.fail(this.#stopped ?? error);
      }
      this.move("resting");
      this.#context.events.retries++;
      await this.#retries?.rest();
      if (this.#stopped !== undefined) return this.fail(this.#stopped);
      this.move("waiting");
    }
  }

  async #attempt(): Promise<T> {
    this.#done = undefined;
    const connection = await (channels.acquire.hasSubscribers
      ? tracedPromise(channels.acquire, { ...this.#context.origin }, () => this.#acquire())
      : this.#acquire());
    const { dispatcher, options, events } = this.#context;
    const { isolation, readOnly } = this.#options;
    const session = new Session(connection, this.#context, { isolation, readOnly }, this.#kind.mode);
    this.#session = session;
    const unwatch =
      this.#context.options.leakDetectionMillis === undefined ? undefined : events.watch(connection);
    try {
      const value = await this.#committed(session);
      this.#done = { value };
      return value;
    } finally {
      unwatch?.();
      // A cancelled commit is waited for here: the next caller gets the session when it has been answered.
      const settled = session.settled();
      if (settled !== undefined) await settled;
      if (connection.cancellations.limited) connection.cancellations.relieve();
      session.forgetListeners();
      await dispatcher.giveBack(connection, options.resetOnRelease ?? this.#kind.reset);
    }
  }

  #acquire(): Promise<PooledConnection> {
    return new Promise<PooledConnection>((resolve, reject) => {
      this.#granted = resolve;
      this.#refused = reject;
      this.since = 0;
      this.#context.dispatcher.request(this);
    });
  }

  /** Runs the function and commits, or rolls back. */
  async #committed(session: Session): Promise<T> {
    const { transaction, sequence } = session;
    try {
      if (this.#stopped !== undefined) throw this.#stopped;
      const value = await this.#call.run(new this.#kind.Face(session, sequence));
      const left = sequence.finish();
      if (left !== undefined) await this.#call.unlessStopped(left);
      if (this.#stopped !== undefined) throw this.#stopped;
      const { unnoticed } = sequence;
      if (unnoticed !== undefined) throw unnoticed;
      this.#kind.finished?.(session);
      sequence.close();
      if (this.state === "running") this.move("committing");
      await transaction.commit().catch((error) => {
        if (transaction.lostOutcome === "not applied") this.#learn("not applied", error);
        throw error;
      });
      this.#learn("applied");
      this.#throwIfStopped();
      return value as T;
    } catch (error) {
      session.end(this.#stopped ?? overError());
      // What is known now is all that will be known: nothing of it is committed any more.
      if (session.late && !this.#mayRunAgain(error)) {
        session.ended(error);
        this.fail(this.#stopped ?? error);
      }
      await session.settled();
      await transaction.rollback(error);
      session.ended(error);
      throw error;
    }
  }

  #throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /** COMMIT has been answered: had the time been over meanwhile, the timeout says what became of the work. */
  #learn(outcome: Outcome, cause?: unknown): void {
    if (this.#stopped instanceof StatementTimeout)
      this.#stopped = interactionTimeout(this.#options.timeoutMillis, outcome, cause);
  }

  #mayRunAgain(failure: unknown): boolean {
    if (this.#retries === undefined || this.#stopped !== undefined) return false;
    return this.#session?.transaction.committed !== true && this.#retries.allowedAfter(failure);
  }

  #stop(error: End): void {
    this.#stopped ??= error;
    if (this.state === "committing") {
      // Its answer is worth waiting for, but not for ever.
      this.#session?.connection.cancellations.limit();
      return;
    }
    if (this.state === "running") {
      this.#session?.end(error);
      this.#call.stop(error);
    }
    if (this.waiting) this.#context.dispatcher.withdraw(this);
    this.#refused?.(error);
    this.#retries?.stopResting();
  }

  /** What is known of it now: of a COMMIT on its way, nothing. */
  get #outcome(): Outcome {
    if (this.state === "committing") return "unknown";
    return this.#session?.transaction.lostOutcome ?? "not sent";
  }
}
