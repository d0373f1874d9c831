import { AsyncResource } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, Deferred } from "../defer/index.js";
import { channels, tracedPromise } from "../diagnostics/channels.js";
import type { Dispatcher } from "../dispatch/dispatcher.js";
import { ExclusiveRequest, type Taker } from "../dispatch/queue.js";
import { type AdbapiError, type Outcome, StatementTimeout } from "../errors/classes.js";
import { type End, overError } from "../errors/session-ended.js";
import { interactionTimeout } from "../errors/timeouts.js";
import type { InteractionOptions } from "../options/call-options.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { Session, type SessionContext } from "../session/session.js";
import { Backoff } from "../timeouts/backoff.js";
import { type Limited, Limits } from "../timeouts/limits.js";
import { moved } from "../transition.js";
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
export class Interaction<T> implements Taker, Limited {
  readonly deferred: Deferred<T>;
  readonly holder: string;
  readonly writes: boolean;
  readonly stack: string | undefined;
  readonly #context: InteractionContext;
  readonly #kind: InteractionKind;
  readonly #fn: (face: unknown) => unknown;
  readonly #options: InteractionOptions;
  /** The caller's async context: callbacks run in it, whoever ends the interaction. */
  readonly #scope = new AsyncResource("adbapi.Interaction", { requireManualDestroy: true });
  readonly #backoff = new Backoff(10, 2_000);
  readonly #onEnd: () => void;
  #state: InteractionState = "waiting";
  #request: ExclusiveRequest | undefined;
  #grant: { resolve(lease: PooledConnection): void; reject(error: unknown): void } | undefined;
  #session: Session | undefined;
  /** What the function gave, when that can be cancelled. */
  #pending: { cancel(): void } | undefined;
  /** Why it is to stop: a cancel, a timeout. */
  #stopped: End | undefined;
  #wakeStopped: ((error: End) => void) | undefined;
  readonly #rest = new AbortController();
  #limits: Limits | undefined;
  /** Runs that are left, should the present one fail. */
  #left: number;
  /** What the function's work has come to, while the session is made ready for the next taker. */
  #answer: (() => void) | undefined;

  constructor(
    context: InteractionContext,
    kind: InteractionKind,
    options: InteractionOptions,
    fn: (face: unknown) => unknown,
    stack: string | undefined,
    onEnd: () => void,
  ) {
    this.#context = context;
    this.#kind = kind;
    this.#options = options;
    this.#left = options.retries ?? 0;
    this.#fn = fn;
    this.#onEnd = onEnd;
    this.holder = kind.verb;
    this.writes = options.readOnly !== true;
    this.stack = stack;
    this.deferred = new Deferred<T>(() => this.cancel(undefined));
  }

  get state(): InteractionState {
    return this.#state;
  }

  start(): void {
    const { signal, timeoutMillis } = this.#options;
    if (signal !== undefined || timeoutMillis !== undefined)
      this.#limits = new Limits(timeoutMillis, signal, this);
    void this.#run();
  }

  granted(lease: PooledConnection): void {
    this.#grant?.resolve(lease);
  }

  refused(error: AdbapiError): void {
    this.#grant?.reject(error);
  }

  /** The caller hears at once; the connection is handed on when the server has settled. */
  cancel(cause: unknown): void {
    if (this.#state === "settled") return;
    const outcome = this.#outcome;
    const error = new CancelledError("the interaction was cancelled", {
      ...(cause === undefined ? {} : { cause }),
      outcome,
    });
    this.#stop(error);
    this.#settle(() => this.deferred.errback(error));
  }

  async #run(): Promise<void> {
    for (; ; this.#left--) {
      let failure: unknown;
      try {
        const value = await this.#attempt();
        this.#settle(() => this.deferred.callback(value));
        return;
      } catch (error) {
        failure = error;
      }
      if (!this.#mayRunAgain(failure)) {
        this.#settle(() => this.deferred.errback(this.#stopped ?? failure));
        return;
      }
      this.#move("resting");
      this.#context.events.retries++;
      await sleep(this.#backoff.next(), undefined, { signal: this.#rest.signal }).catch(() => {});
      if (this.#stopped !== undefined) {
        this.#settle(() => this.deferred.errback(this.#stopped));
        return;
      }
      this.#move("waiting");
    }
  }

  #mayRunAgain(failure: unknown): boolean {
    const committed = this.#session?.transaction.committed === true;
    return this.#left > 0 && this.#stopped === undefined && !committed && mayBeRepeated(failure);
  }

  async #attempt(): Promise<T> {
    this.#answer = undefined;
    const acquire = () => this.#acquire();
    const lease = await (channels.acquire.hasSubscribers
      ? tracedPromise(channels.acquire, { ...this.#context.origin }, acquire)
      : acquire());
    const { dispatcher, options, events } = this.#context;
    const { isolation, readOnly } = this.#options;
    const session = new Session(lease, this.#context, { isolation, readOnly }, this.#kind.mode);
    const unwatch = events.watch(lease);
    this.#session = session;
    try {
      const value = await this.#within(session);
      this.#answer = () => this.deferred.callback(value);
      return value;
    } finally {
      unwatch();
      lease.cancellations.relieve();
      await session.settled();
      session.forgetListeners();
      // A cancelled commit is waited for here: the session is nobody else's before it has been answered.
      await dispatcher.giveBack(lease, options.resetOnRelease ?? this.#kind.reset);
    }
  }

  async #within(session: Session): Promise<T> {
    const sequence = session.open();
    const face = this.#kind.face(session, sequence);
    try {
      const value = await this.#untilStopped(adbapiInteraction(() => this.#called(face)));
      await this.#untilStopped(session.finish(sequence));
      const unnoticed = session.unnoticed(sequence);
      if (unnoticed !== undefined) throw unnoticed;
      if (this.#stopped !== undefined) throw this.#stopped;
      session.close(sequence);
      if (this.#state === "running") this.#move("committing");
      await session.transaction.commit().catch((error) => {
        this.#sayRefused(error);
        throw error;
      });
      this.#sayApplied();
      return value as T;
    } catch (error) {
      session.end(this.#stopped ?? overError());
      // What is known now is all that will be known: nothing of it is committed any more.
      if (session.late && !this.#mayRunAgain(error)) {
        session.ended(error);
        this.#settle(() => this.deferred.errback(this.#stopped ?? error));
      }
      await session.settled();
      await session.transaction.rollback(error);
      session.ended(error);
      throw error;
    }
  }

  /** It was to stop while COMMIT was on its way, and COMMIT has been answered. */
  #sayApplied(): void {
    if (this.#stopped instanceof StatementTimeout)
      this.#stopped = interactionTimeout(this.#options.timeoutMillis, "applied");
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /** As above, and COMMIT has failed: unless the answer was lost, nothing of it lasts. */
  #sayRefused(error: unknown): void {
    if (this.#stopped instanceof StatementTimeout && this.#session?.lostOutcome === "not applied")
      this.#stopped = interactionTimeout(this.#options.timeoutMillis, "not applied", error);
  }

  /** Runs the function, and keeps hold of a Deferred that it gives: a cancel reaches it. */
  #called(face: unknown): unknown {
    const value = this.#fn(face);
    if (value instanceof Deferred) this.#pending = value;
    return value;
  }

  #acquire(): Promise<PooledConnection> {
    return new Promise<PooledConnection>((resolve, reject) => {
      this.#grant = {
        resolve: (lease) => {
          this.#move("running");
          resolve(lease);
        },
        reject,
      };
      this.#request = new ExclusiveRequest(this);
      this.#context.dispatcher.request(this.#request);
    });
  }

  #untilStopped<V>(work: Promise<V>): Promise<V> {
    return new Promise<V>((resolve, reject) => {
      this.#wakeStopped = reject;
      work.then(resolve, reject);
      if (this.#stopped !== undefined) reject(this.#stopped);
    });
  }

  /** The caller hears when it is rolled back. */
  expire(): void {
    if (this.#state === "settled") return;
    this.#stop(interactionTimeout(this.#options.timeoutMillis, this.#outcome));
  }

  /** Nothing has settled since: the caller hears now, and the session settles, or is destroyed, behind that. */
  overdue(): void {
    this.#settle(this.#answer ?? (() => this.deferred.errback(this.#stopped)));
  }

  #stop(error: End): void {
    const state = this.#state;
    this.#stopped ??= error;
    if (state === "waiting" && this.#request !== undefined && this.#request.waiting) {
      this.#context.dispatcher.withdraw(this.#request);
      this.#grant?.reject(error);
    } else if (state === "resting") this.#rest.abort();
    else if (state === "running") {
      this.#session?.end(error);
      this.#pending?.cancel();
      this.#wakeStopped?.(error);
    } else if (state === "committing") {
      // Its answer is worth waiting for, but not for ever.
      this.#session!.lease.cancellations.limit();
    }
  }

  /** What is known of it now: a COMMIT on its way is nobody's to judge. */
  get #outcome(): Outcome {
    if (this.#state === "committing") return "unknown";
    return this.#session?.lostOutcome ?? "not sent";
  }

  #settle(answer: () => void): void {
    if (this.#state === "settled") return;
    this.#move("settled");
    this.#limits?.clear();
    this.#onEnd();
    this.#scope.runInAsyncScope(answer);
  }

  #move(to: InteractionState): void {
    if (this.#state === "settled") return;
    this.#state = moved("an interaction", MOVES, this.#state, to);
  }
}
