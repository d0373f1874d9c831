import { Deferred } from "../defer/index.js";
import { inOneLine } from "../defer/inspect.js";

/** The work behind a Deferred that was given to a caller. */
interface Work {
  readonly sql: string;
  cancel(cause: unknown): void;
}

/** A hundred thousand may wait: the way back to the job is a field, not a closure for each. */
export class JobDeferred extends Deferred<unknown> {
  readonly #job: Work;

  constructor(job: Work) {
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
