import { CHAIN } from "./chain.js";
import { isThenable } from "./checks.js";
import { Deferred } from "./deferred.js";
import { NotPaused, type SchedulerError, TaskDone, TaskFailed, TaskStopped } from "./errors.js";
import { Failure } from "./failure.js";
import { toDeferred } from "./functions.js";

/** What a Cooperator runs step by step. */
export type Steps = Iterator<unknown, unknown, undefined> | Iterable<unknown, unknown, undefined>;

/** Where tasks are while they have something to do. */
export interface Schedule {
  enter(task: CooperativeTask<Steps>): void;
  leave(task: CooperativeTask<Steps>): unknown;
}

/** An iterator that a Cooperator runs; made by its `cooperate()`. */
export class CooperativeTask<out I extends Steps> {
  readonly #given: I;
  readonly #iterator: Iterator<unknown, unknown, undefined>;
  readonly #schedule: Schedule;
  readonly #done = new Deferred<I>();
  #pauses = 0;
  #waiting = false;
  #stepping = false;
  /** Why it is over: what `pause()` and `stop()` throw from then on. */
  #finished: SchedulerError | undefined;

  /** @internal */
  constructor(iterator: I, schedule: Schedule) {
    this.#given = iterator;
    this.#iterator = iteratorOf(iterator);
    this.#schedule = schedule;
  }

  /**
   * Fires with the iterator once it is exhausted. Fails with what it threw, or with what it waited for; with
   * TaskStopped after `stop()`, and with SchedulerStopped when its Cooperator is stopped.
   */
  whenDone(): Deferred<I> {
    const deferred = new Deferred<I>();
    this.#done[CHAIN].observe({ observe: (result) => deferred[CHAIN].settle(result) });
    return deferred;
  }

  /** Takes no further step until as many `resume()`. @throws TaskFinished when it is over */
  pause(): void {
    this.#assertUnfinished();
    this.#pauses += 1;
    this.#schedule.leave(this);
  }

  /** @throws NotPaused when there was no `pause()` */
  resume(): void {
    if (this.#pauses === 0) throw new NotPaused("resume() without a pause()");
    this.#pauses -= 1;
    this.#goOn();
  }

  /**
   * Ends it now; the iterator's `return()` is called, so that its `finally` runs. @throws TaskFinished when it is over
   */
  stop(): void {
    this.#assertUnfinished();
    this.abandon(new TaskStopped("the task was stopped"));
  }

  /** @internal */
  abandon(state: SchedulerError, error: Error = state): void {
    this.#done[CHAIN].mute();
    this.#giveUp(state, new Failure(error));
  }

  /** Takes one step. It must be in the schedule. @internal */
  step(): void {
    this.#stepping = true;
    try {
      const { done, value } = this.#iterator.next();
      this.#stepping = false;
      if (this.#finished !== undefined) this.#close(this.#finished);
      else if (done) this.#finish(new TaskDone("the task has come to its end"), this.#given);
      else if (isThenable(value)) this.#waitFor(toDeferred(value));
    } catch (error) {
      this.#stepping = false;
      if (this.#finished === undefined)
        this.#finish(new TaskFailed("the task has failed", error), new Failure(error));
    }
  }

  #waitFor(awaited: Deferred<unknown>): void {
    this.#waiting = true;
    this.#schedule.leave(this);
    awaited[CHAIN].observe({
      observe: (result, failed) => {
        this.#waiting = false;
        if (!failed) this.#goOn();
        else if (this.#finished === undefined) {
          const failure = result as Failure;
          this.#giveUp(new TaskFailed("what the task waited for has failed", failure.value), failure);
        }
        return undefined;
      },
    });
  }

  #goOn(): void {
    if (this.#pauses === 0 && !this.#waiting && this.#finished === undefined) this.#schedule.enter(this);
  }

  /** Ends it before the iterator has come to its end. */
  #giveUp(state: SchedulerError, failure: Failure): void {
    this.#finished = state;
    // An iterator that stops its own task is running still: `step` closes it.
    if (!this.#stepping) this.#close(state);
    this.#finish(state, failure);
  }

  #close(state: SchedulerError): void {
    try {
      this.#iterator.return?.();
    } catch (error) {
      state.cause ??= error;
    }
  }

  #finish(state: SchedulerError, result: I | Failure): void {
    this.#finished = state;
    this.#schedule.leave(this);
    if (result instanceof Failure) this.#done.errback(result);
    else this.#done.callback(result);
  }

  #assertUnfinished(): void {
    if (this.#finished !== undefined) throw this.#finished;
  }
}

/** An asynchronous iterator never says `done`: it would be stepped for ever. */
function iteratorOf(steps: Steps): Iterator<unknown, unknown, undefined> {
  const given = Object(steps);
  if (!(Symbol.asyncIterator in given)) {
    if ("next" in given) return given;
    if (Symbol.iterator in given) return given[Symbol.iterator]();
  }
  throw new TypeError(
    "a task needs an iterator or an iterable, and no asynchronous one: yield what it is to wait for",
  );
}
