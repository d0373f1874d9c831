import type { DriverConnection } from "../../drivers/driver.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { JobPlace, StatementJob } from "../statement/statement-job.js";
import type { Lane } from "./lane.js";

/** A connection in the dispatcher's hands, with the autocommitted statements that are on it. */
export class Loan implements JobPlace {
  readonly lease: PooledConnection;
  readonly conn: DriverConnection;
  /** In the order sent, which is the order of the answers. */
  readonly jobs: StatementJob[] = [];
  /** When the server can have begun with the first of them, by `performance.now()`. */
  begunAt = 0;
  /** The lane whose work it carries; undefined while it carries none. */
  lane: Lane | undefined;
  /** Whether it has carried anything. */
  worked = false;
  /** Whether others may wait behind what is on it. */
  stacking = false;
  /** Whether it is to be handed back at the end of this turn of the event loop, if it has nothing to do then. */
  lingers = false;
  /** Nothing more comes onto it until it is quiet: a cancel is on its way, or its head is stuck. */
  sealed = false;
  /** Cancels that may still hit whatever runs. */
  cancels = 0;

  constructor(lease: PooledConnection) {
    this.lease = lease;
    this.conn = lease.conn;
  }

  get quiet(): boolean {
    return this.jobs.length === 0 && this.cancels === 0;
  }

  /** It is put on the connection, behind what is there. */
  push(job: StatementJob): void {
    this.jobs.push(job);
    if (this.jobs.length === 1) this.#begin(job, performance.now());
  }

  /** The answer to `job` has come; what was behind it begins. */
  take(job: StatementJob, now: number): void {
    if (this.jobs[0] === job) {
      this.jobs.shift();
      if (this.jobs.length > 0) this.#begin(this.jobs[0]!, now);
    } else {
      const index = this.jobs.indexOf(job);
      if (index >= 0) this.jobs.splice(index, 1);
    }
  }

  #begin(job: StatementJob, now: number): void {
    this.begunAt = now;
    job.begun(this.lease.resultLimit);
  }
}
