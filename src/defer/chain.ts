import { isThenable } from "./checks.js";
import { endOfLine } from "./circle.js";
import { debugging, describeTrace, traceFired, traceMade } from "./debugging.js";
import { AlreadyCalledError, CancelledError, NotPaused } from "./errors.js";
import { Failure } from "./failure.js";
import { Handover, Link, type Observer, type Step } from "./observer.js";
import { type Answering, answerFor, calmed, raiseAlarm } from "./unhandled.js";

/** Where a Deferred has its chain. */
export const CHAIN: unique symbol = Symbol("chain");

/**
 * - `"pending"`: not fired yet
 * - `"value"`, `"failure"`: has a result for the next callback
 * - `"waiting"`: a callback has returned a Deferred, whose chain is now the result
 */
type State = "pending" | "value" | "failure" | "waiting";

/**
 * What is behind a Deferred: it holds a result, runs links with it one after another, waits for the Deferreds that they
 * return, and sees to it that no failure is lost.
 */
export class Chain {
  /** The Deferred; none for a promise that a callback has returned. */
  private readonly owner: { cancel(): void } | undefined;
  state: State = "pending";
  /** In state "failure" a Failure, in state "waiting" a Chain. Both are changed here alone. */
  result: unknown = undefined;
  private first: Link<Chain> | undefined = undefined;
  private last: Link<Chain> | undefined = undefined;
  /** One for each `pause()`, and one while waiting. The chain moves at 0 only. */
  private holds = 0;
  private running = false;
  /** `"none"`: cancelled without one, so the owner does not know of the cancel, and may still fire it once. */
  private canceller: ((deferred: never) => void) | "none" | undefined;
  private answering: Answering = undefined;

  constructor(owner?: { cancel(): void }, canceller?: (deferred: never) => void) {
    this.owner = owner;
    this.canceller = canceller;
    if (debugging) traceMade(this);
  }

  get fired(): boolean {
    return this.state !== "pending";
  }

  pause(): void {
    this.holds += 1;
  }

  unpause(): void {
    const pauses = this.holds - (this.state === "waiting" ? 1 : 0);
    if (pauses === 0) throw new NotPaused("unpause() without a pause()");
    this.holds -= 1;
    if (this.fired) this.run();
  }

  cancel(): void {
    const target = endOfLine<Chain>(this, ({ state, result }) =>
      state === "waiting" ? (result as Chain) : undefined,
    );
    if (target === undefined) {
      this.holds -= 1;
      this.hold(
        "failure",
        new Failure(new CancelledError("cancelled: it waited for itself, by way of others")),
      );
      this.run();
    } else if (target !== this) (target.owner ?? target).cancel();
    else if (!this.fired) this.cancelPending();
  }

  /** Takes the result as it is. @returns this, if it is to be run. Throws AlreadyCalledError a second time. */
  fire(result: unknown): Chain | undefined {
    if (this.fired) {
      if (this.canceller !== "none") {
        throw new AlreadyCalledError(`this Deferred has been fired before${describeTrace(this)}`);
      }
      this.canceller = undefined;
      return undefined;
    }
    if (debugging) traceFired(this, result);
    if (this.canceller !== "none") this.canceller = undefined;
    this.hold(result instanceof Failure ? "failure" : "value", result);
    return this.state === "failure" || this.first !== undefined ? this : undefined;
  }

  /** Fires as a callback that returns this result; a second time does nothing. @returns this, if it is to be run */
  settle(result: unknown): Chain | undefined {
    if (this.fired) return undefined;
    if (debugging) traceFired(this, result);
    this.canceller = undefined;
    try {
      this.accept(result);
    } catch (error) {
      this.accept(new Failure(error));
    }
    return this;
  }

  settledBy(promise: PromiseLike<unknown>): this {
    const settle = (result: unknown) => this.settle(result)?.run();
    Promise.resolve(promise).then(settle, (error: unknown) => settle(new Failure(error)));
    return this;
  }

  /** Adds a link at the end. The chain runs on, if it has a result. */
  append(link: Link<Chain>): void {
    if (this.last === undefined) this.first = link;
    else this.last.next = link;
    this.last = link;
    if (!this.fired) return;
    if (link.onFailure !== undefined) this.answering = calmed(this.answering);
    this.run();
  }

  /** Shows an observer the result at the present end of the chain, which it leaves as it is. */
  observe(observer: Observer<Chain>): void {
    this.append(new Link<Chain>(observer, observer));
  }

  /** A failure that is left here is never reported: it belongs to other work, which fails with it. */
  mute(): void {
    if (this.answering !== undefined) calmed(this.answering);
    this.answering = "another";
  }

  /** The error at the end of a muted chain that no errback has seen, if there is one. */
  get failureLeft(): Error | undefined {
    const left = this.state === "failure" && this.answering === "another";
    return left ? (this.result as Failure).value : undefined;
  }

  /** Runs this chain, and those that get their results from it. A loop, so that no ladder is too high. */
  run(): void {
    let suspended: Chain[] | undefined;
    let current: Chain | undefined = this;
    while (current !== undefined) {
      const next: Chain | undefined = current.advance();
      if (next !== undefined && current.first !== undefined) {
        suspended ??= [];
        suspended.push(current);
      }
      current = next ?? suspended?.pop();
    }
  }

  /** Runs callbacks until none is left, or the chain is held; or until another chain is to be run: that one. */
  private advance(): Chain | undefined {
    if (this.running) return undefined;
    while (this.holds === 0 && this.first !== undefined) {
      const link: Link<Chain> = this.first;
      this.first = link.next;
      if (link.next === undefined) this.last = undefined;
      const step = this.state === "failure" ? link.onFailure : link.onValue;
      if (step === undefined) continue;
      if (typeof step !== "function") {
        const next = this.show(step);
        if (next === undefined) continue;
        return next;
      }
      this.running = true;
      try {
        this.accept((step as (result: unknown) => unknown)(this.result));
      } catch (error) {
        this.hold("failure", Failure.of(error));
      }
      this.running = false;
    }
    if (this.state === "failure" && this.holds === 0) {
      this.answering = answerFor(this.result as Failure, this, this.answering);
    }
    return undefined;
  }

  /** Hands the result to a step that is no function; returns the chain that this has set off. */
  private show(step: Exclude<Step<Chain>, (result: never) => unknown>): Chain | undefined {
    if (step instanceof Chain) {
      // One that was cut out of a circle no longer waits.
      if (step.result !== this) return undefined;
      step.holds -= 1;
      step.take(this);
      return step;
    }
    if (step instanceof Handover) {
      try {
        const fired = step.to.fire(this.result);
        this.forget();
        return fired;
      } catch (error) {
        this.hold("failure", new Failure(error));
        return undefined;
      }
    }
    const failed = this.state === "failure";
    if (failed) {
      calmed(this.answering);
      this.answering = this.result as Failure;
    }
    return step.observe(this.result, failed);
  }

  /** Makes this the result of the chain: what a callback has returned. */
  private accept(result: unknown): void {
    if (!isThenable(result)) this.hold(result instanceof Failure ? "failure" : "value", result);
    else this.follow((result as { readonly [CHAIN]?: Chain })[CHAIN] ?? new Chain().settledBy(result));
  }

  private follow(inner: Chain): void {
    if (inner === this) throw new TypeError("a callback has returned the Deferred that it is a callback of");
    if (inner.holds === 0 && inner.first === undefined && inner.fired && !inner.running) {
      this.take(inner);
      return;
    }
    this.hold("waiting", inner);
    this.holds += 1;
    inner.append(new Link<Chain>(this, this));
  }

  /** Moves the result of the other one here: it is only ever in one place, and so is its error. */
  private take(other: Chain): void {
    this.hold(other.state, other.result);
    other.forget();
  }

  private forget(): void {
    this.answering = calmed(this.answering);
    this.hold("value", undefined);
  }

  private hold(state: State, result: unknown): void {
    this.state = state;
    this.result = result;
  }

  private cancelPending(): void {
    const { canceller } = this;
    this.canceller = canceller === undefined ? "none" : undefined;
    if (typeof canceller === "function") {
      try {
        canceller(this.owner as never);
      } catch (error) {
        if (this.fired) raiseAlarm(new Failure(error));
        else this.fire(new Failure(error))?.run();
      }
    }
    if (!this.fired) this.fire(new Failure(new CancelledError()))?.run();
  }
}
