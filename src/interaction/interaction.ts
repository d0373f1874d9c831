import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, Deferred } from "../defer/index.js";
import { channels, type InteractionTrace, tracedPromise } from "../diagnostics/channels.js";
import type { Dispatcher } from "../dispatch/dispatcher.js";
import { ExclusiveRequest } from "../dispatch/queue.js";
import { type AdbapiError, StatementTimeout } from "../errors/classes.js";
import type { Outcome } from "../errors/outcome.js";
import { type End, overError } from "../errors/session-ended.js";
import { interactionTimeout } from "../errors/timeouts.js";
import type { InteractionOptions } from "../options/call-options.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { Session, type SessionContext } from "../session/session.js";
import { Backoff } from "../timeouts/backoff.js";
import { type Limited, Limits } from "../timeouts/limits.js";
import { moved } from "../transition.js";
import type { InteractionCall } from "./call.js";
import { adbapiInteraction } from "./call-frames.js";
import type { InteractionKind } from "./kind.js";
import { mayBeRepeated } from "./retry.js";

/**
 * - `waiting`: for a connection;
 * - `running`: the function is at work;
 * - `committing`: COMMIT is on its way, and nothing can take it back;
 * - `resting`: before it is run again;
 * - `settled`: the caller has the answer; cleaning up may go on.
 */
type InteractionState = "waiting" | "running" | "committing" | "resting" | "settled";

const MOVES = {
  waiting: ["running", "resting", "settled"],
  running: ["committing", "resting", "settled"],
  committing: ["resting", "settled"],
  resting: ["waiting", "settled"],
  settled: [],
} as const satisfies Record<InteractionState, readonly InteractionState[]>;

export interface InteractionContext extends SessionContext {
  readonly dispatcher: Dispatcher;
}

/**
 * A function's work in one transaction, from the call to its answer: gets a connection, runs the function, commits or
 * rolls back, and runs it all again where that was asked for and is sound.
 */
export class Interaction<T> extends ExclusiveRequest implements Limited {
  readonly deferred: Deferred<T>;
  readonly holder: string;
  readonly writes: boolean;
  readonly stack: string | undefined;
  /** What listeners are told of it, while there are any. */
  trace: InteractionTrace | undefined;
  readonly #context: InteractionContext;
  readonly #kind: InteractionKind;
  readonly #call: InteractionCall;
  readonly #options: InteractionOptions;
  readonly #unanswered: Set<Interaction<T>>;
  #state: InteractionState = "waiting";
  /** The two ends of the wait for a connection. */
  #granted: ((lease: PooledConnection) => void) | undefined;
  /** Ends the wait that is under way: for a connection, for the function, for the next run. */
  #stopWaiting: ((error: unknown) => void) | undefined;
  #session: Session | undefined;
  /** What the function gave, when that can be cancelled. */
  #pending: { cancel(): void } | undefined;
  /** Why it is to stop: a cancel, a timeout. */
  #stopped: End | undefined;
  #limits: Limits | undefined;
  /** Runs that are left, should the present one fail. */
  #left: number;
  #backoff: Backoff | undefined;
  /** What the function's work has come to, while the session is made ready for the next caller. */
  #done: { readonly value: T } | undefined;

  /** @param unanswered it is one of these until its caller has the answer */
  constructor(
    context: InteractionContext,
    kind: InteractionKind,
    call: InteractionCall,
    stack: string | undefined,
    unanswered: Set<Interaction<T>>,
  ) {
    super();
    this.#context = context;
    this.#kind = kind;
    this.#call = call;
    this.#options = call.options;
    this.#left = this.#options.retries ?? 0;
    this.#unanswered = unanswered;
    this.holder = kind.verb;
    this.writes = this.#options.readOnly !== true;
    this.stack = stack;
    this.deferred = new Deferred<T>(() => this.cancel(undefined));
  }

  get state(): InteractionState {
    return this.#state;
  }

  start(): void {
    const { signal, timeoutMillis } = this.#options;
    this.#unanswered.add(this);
    if (signal !== undefined || timeoutMillis !== undefined)
      this.#limits = new Limits(timeoutMillis, signal, this);
    void this.#run();
  }

  override grant(lease: PooledConnection): void {
    this.#move("running");
    this.#granted?.(lease);
  }

  override refuse(error: AdbapiError): void {
    this.#stopWaiting?.(error);
  }

  /** The caller hears at once; the connection is handed on when the server has settled. */
  cancel(cause: unknown): void {
    if (this.#state === "settled") return;
    const error = new CancelledError("the interaction was cancelled", {
      ...(cause === undefined ? {} : { cause }),
      outcome: this.#outcome,
    });
    this.#stop(error);
    this.#fail(error);
  }

  /** Its time is over: the caller hears when it is rolled back. */
  expire(): void {
    if (this.#state === "settled") return;
    this.#stop(interactionTimeout(this.#options.timeoutMillis, this.#outcome));
  }

  /** Nothing has settled since: the caller hears now, and the session settles, or is destroyed, behind that. */
  overdue(): void {
    if (this.#done === undefined) this.#fail(this.#stopped);
    else this.#fire(this.#done.value);
  }

  async #run(): Promise<void> {
    for (;;) {
      try {
        this.#fire(await this.#attempt());
        return;
      } catch (error) {
        if (!this.#mayRunAgain(error)) return this.#fail(this.#stopped ?? error);
      }
      await this.#rest();
      if (this.#stopped !== undefined) return this.#fail(this.#stopped);
      this.#left--;
      this.#move("waiting");
    }
  }

  async #attempt(): Promise<T> {
    this.#done = undefined;
    const lease = await (channels.acquire.hasSubscribers
      ? tracedPromise(channels.acquire, { ...this.#context.origin }, () => this.#acquire())
      : this.#acquire());
    const { dispatcher, options, events } = this.#context;
    const { isolation, readOnly } = this.#options;
    const session = new Session(lease, this.#context, { isolation, readOnly }, this.#kind.mode);
    this.#session = session;
    const unwatch = events.watch(lease);
    try {
      const value = await this.#committed(session);
      this.#done = { value };
      return value;
    } finally {
      unwatch?.();
      // A cancelled commit is waited for here: the next caller gets the session when it has been answered.
      const settled = session.settled();
      if (settled !== undefined) await settled;
      lease.cancellations.relieve();
      session.forgetListeners();
      await dispatcher.giveBack(lease, options.resetOnRelease ?? this.#kind.reset);
    }
  }

  #acquire(): Promise<PooledConnection> {
    return new Promise<PooledConnection>((resolve, reject) => {
      this.#granted = resolve;
      this.#stopWaiting = reject;
      this.since = 0;
      this.#context.dispatcher.request(this);
    });
  }

  /** Runs the function and commits, or rolls back. */
  async #committed(session: Session): Promise<T> {
    const sequence = session.open();
    const { transaction } = session;
    try {
      if (this.#stopped !== undefined) throw this.#stopped;
      const face = this.#kind.face(session, sequence);
      const value = await this.#unlessStopped(adbapiInteraction(() => this.#called(face)));
      const left = session.finish(sequence);
      if (left !== undefined) await this.#unlessStopped(left);
      if (this.#stopped !== undefined) throw this.#stopped;
      const { unnoticed } = sequence;
      if (unnoticed !== undefined) throw unnoticed;
      session.close(sequence);
      if (this.#state === "running") this.#move("committing");
      try {
        await transaction.commit();
      } catch (error) {
        if (this.#expired && transaction.lostOutcome === "not applied")
          this.#stopped = interactionTimeout(this.#options.timeoutMillis, "not applied", error);
        throw error;
      }
      this.#throwIfStopped();
      return value as T;
    } catch (error) {
      session.end(this.#stopped ?? overError());
      // What is known now is all that will be known: nothing of it is committed any more.
      if (session.late && !this.#mayRunAgain(error)) {
        session.ended(error);
        this.#fail(this.#stopped ?? error);
      }
      await session.settled();
      await transaction.rollback(error);
      session.ended(error);
      throw error;
    }
  }

  /** Calls the function, and keeps hold of a Deferred that it gives: a cancel reaches that. */
  #called(face: unknown): unknown {
    const { fn, args } = this.#call;
    const call = () => fn(face, ...args);
    const value = this.trace?.around === undefined ? call() : this.trace.around(call);
    if (value instanceof Deferred) this.#pending = value;
    return value;
  }

  #unlessStopped<V>(work: Promise<V>): Promise<V> {
    return new Promise<V>((resolve, reject) => {
      this.#stopWaiting = reject;
      work.then(resolve, reject);
      if (this.#stopped !== undefined) reject(this.#stopped);
    });
  }

  get #expired(): boolean {
    return this.#stopped instanceof StatementTimeout;
  }

  /** COMMIT has been answered: if it was to stop meanwhile, the work is done all the same. */
  #throwIfStopped(): void {
    if (this.#expired) this.#stopped = interactionTimeout(this.#options.timeoutMillis, "applied");
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  #mayRunAgain(failure: unknown): boolean {
    const committed = this.#session?.transaction.committed === true;
    return this.#left > 0 && this.#stopped === undefined && !committed && mayBeRepeated(failure);
  }

  async #rest(): Promise<void> {
    this.#move("resting");
    this.#context.events.retries++;
    const rest = new AbortController();
    this.#stopWaiting = () => rest.abort();
    this.#backoff ??= new Backoff(10, 2_000);
    await sleep(this.#backoff.next(), undefined, { signal: rest.signal }).catch(() => {});
  }

  #stop(error: End): void {
    this.#stopped ??= error;
    if (this.#state === "running") {
      this.#session?.end(error);
      this.#pending?.cancel();
    }
    // Its answer is worth waiting for, but not for ever.
    if (this.#state === "committing") this.#session!.lease.cancellations.limit();
    else {
      if (this.waiting) this.#context.dispatcher.withdraw(this);
      this.#stopWaiting?.(error);
    }
  }

  /** What is known of it now: of a COMMIT on its way, nothing. */
  get #outcome(): Outcome {
    if (this.#state === "committing") return "unknown";
    return this.#session?.transaction.lostOutcome ?? "not sent";
  }

  #fire(value: T): void {
    if (this.#settle()) this.runInAsyncScope(this.deferred.callback, this.deferred, value);
  }

  #fail(error: unknown): void {
    if (this.#settle()) this.runInAsyncScope(this.deferred.errback, this.deferred, error);
  }

  /** Whether its caller has had no answer yet: this is it. */
  #settle(): boolean {
    if (this.#state === "settled") return false;
    this.#move("settled");
    this.#limits?.clear();
    this.#unanswered.delete(this);
    return true;
  }

  #move(to: InteractionState): void {
    if (this.#state === "settled") return;
    this.#state = moved("an interaction", MOVES, this.#state, to);
  }
}
