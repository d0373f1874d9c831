import { CooperativeTask, type Schedule, type Steps } from "./cooperative-task.js";
import { Deferred } from "./deferred.js";
import { CancelledError, SchedulerStopped, TaskStopped } from "./errors.js";

export interface CooperatorOptions {
  /** How long tasks run before timers and I/O have their turn, in milliseconds. Default 2. */
  readonly sliceMillis?: number | undefined;
  /** Whether it runs from the beginning, or only after `start()`. Default true. */
  readonly started?: boolean | undefined;
}

/**
 * Runs long iterators side by side, one step of each in turn, in slices of bounded time. A step is what an
 * iterator does from one `yield` to the next: only there can others have their turn. A Deferred or thenable that
 * is yielded is waited for. With nothing to run it does not keep the process alive.
 * @see https://docs.twisted.org/en/stable/api/twisted.internet.task.Cooperator.html
 */
export class Cooperator {
  readonly #sliceMillis: number;
  readonly #tasks = new Set<CooperativeTask<Steps>>();
  /** The tasks take turns: one that enters comes last, one that has left is skipped. */
  #round = this.#tasks.values();
  #state: "created" | "running" | "stopped";
  #nextSlice: NodeJS.Immediate | undefined;
  readonly #schedule: Schedule = {
    enter: (task) => this.#enter(task),
    leave: (task) => this.#tasks.delete(task),
  };

  constructor(options: CooperatorOptions = {}) {
    this.#sliceMillis = options.sliceMillis ?? 2;
    this.#state = (options.started ?? true) ? "running" : "created";
  }

  get running(): boolean {
    return this.#state === "running";
  }

  /** Adds a task that can be paused and stopped. */
  cooperate<I extends Steps>(iterator: I): CooperativeTask<I> {
    const task = new CooperativeTask(iterator, this.#schedule);
    this.#enter(task);
    return task;
  }

  /** Runs the iterator, and fires with it at its end; fails with what it threw. `cancel()` stops it. */
  coiterate<I extends Steps>(iterator: I): Deferred<I> {
    const task = this.cooperate(iterator);
    const deferred = new Deferred<I>(() => task.abandon(new TaskStopped("cancelled"), new CancelledError()));
    task.whenDone().chainDeferred(deferred);
    return deferred;
  }

  /** Runs the tasks; after a `stop()`, those that come from then on. */
  start(): void {
    this.#state = "running";
    this.#planSlice();
  }

  /** Ends all tasks with SchedulerStopped; those that are paused or wait, once they would go on. */
  stop(): void {
    this.#state = "stopped";
    clearImmediate(this.#nextSlice);
    this.#nextSlice = undefined;
    for (const task of [...this.#tasks]) this.#abandon(task);
  }

  #enter(task: CooperativeTask<Steps>): void {
    if (this.#state === "stopped") {
      this.#abandon(task);
    } else {
      this.#tasks.add(task);
      this.#planSlice();
    }
  }

  #abandon(task: CooperativeTask<Steps>): void {
    task.abandon(new SchedulerStopped("the Cooperator was stopped"));
  }

  #planSlice(): void {
    if (this.#state !== "running" || this.#tasks.size === 0) return;
    this.#nextSlice ??= setImmediate(() => this.#runSlice());
  }

  #runSlice(): void {
    this.#nextSlice = undefined;
    const end = performance.now() + this.#sliceMillis;
    do {
      const task = this.#nextTask();
      if (task === undefined) break;
      task.step();
    } while (this.#state === "running" && performance.now() < end);
    this.#planSlice();
  }

  #nextTask(): CooperativeTask<Steps> | undefined {
    const next = this.#round.next();
    if (!next.done) return next.value;
    this.#round = this.#tasks.values();
    return this.#round.next().value;
  }
}

const shared = new Cooperator();

/** Adds a task to the Cooperator that everybody shares. */
export function cooperate<I extends Steps>(iterator: I): CooperativeTask<I> {
  return shared.cooperate(iterator);
}

/** Runs the iterator on the Cooperator that everybody shares, and fires with it at its end. */
export function coiterate<I extends Steps>(iterator: I): Deferred<I> {
  return shared.coiterate(iterator);
}
