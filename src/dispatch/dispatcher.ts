import type { Cancellation, Driver } from "../../drivers/driver.js";
import type { Origin } from "../diagnostics/channels.js";
import { type AdbapiError, type Outcome, PoolClosed, type PoolTimeout } from "../errors/classes.js";
import type { ResolvedOptions } from "../options/settings.js";
import type { Connections } from "../pool/connections.js";
import { judged, seemsReadOnly } from "../pool/driver-guard.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { JobCarrier, StatementJob } from "../statement/statement-job.js";
import { mayBeStacked, TextStatistics } from "../statement/text-statistics.js";
import type { Waiter } from "../statement/waiting-line.js";
import { Borrowed } from "./borrowed.js";
import { ExclusiveRequest } from "./exclusive-request.js";
import { InFlight } from "./in-flight.js";
import type { Lane } from "./lane.js";
import type { Loan } from "./loan.js";
import { explainPoolTimeout } from "./pool-timeout.js";
import { ProcessHold } from "./process-hold.js";
import { Queue } from "./queue.js";

/**
 * So many go ahead on one connection at any time, if its driver takes as many. More go of a long queue only: at the
 * most this part of it.
 */
const DEEP = 64;
const SHARE = 8;

/**
 * The one queue of all work: statements and exclusive requests are served in the order asked. A connection is kept
 * while work is queued, and carries several statements ahead of their answers where that is sound.
 */
export class Dispatcher implements JobCarrier {
  readonly #driver: Driver;
  readonly #options: ResolvedOptions;
  readonly #connections: Connections;
  readonly #statistics: TextStatistics;
  readonly #queue: Queue;
  readonly #inFlight: InFlight;
  readonly #borrowed: Borrowed;
  #state: "open" | "closing" = "open";
  #whenDrained: (() => void) | undefined;
  /** The database went with its session, and nobody has been told yet. */
  #untold: AdbapiError | undefined;
  readonly hold = new ProcessHold();
  /** Waiters that were refused since no connection came free. */
  timeouts = 0;

  constructor(driver: Driver, options: ResolvedOptions, connections: Connections, origin: Origin) {
    this.#driver = driver;
    this.#options = options;
    this.#connections = connections;
    this.#statistics = new TextStatistics((sql) => judged(driver, "stackable", sql));
    const limit = options.acquireTimeoutMillis;
    this.#queue = new Queue(driver.singleWriter === true, limit, (waiter) =>
      this.#giveUp(waiter, `no connection came free in ${limit} ms (acquireTimeoutMillis)`),
    );
    this.#borrowed = new Borrowed(connections, {
      origin,
      max: options.max,
      wanted: () => this.#queue.wanted,
      serve: () => this.#pump(),
      arrived: (loan) => this.#advance(loan),
      unbind: (loan) => this.#unbind(loan),
      left: () => this.#settleDown(),
      lost: (loan, error) => this.#inFlight.lost(loan, error),
    });
    this.#inFlight = new InFlight({
      driver,
      statistics: this.#statistics,
      loans: this.#borrowed.carrying,
      // Elsewhere it would find another database.
      reconnect: options.reconnect && !connections.ownDatabase,
      settle: (loan) => this.#settle(loan),
      advance: (loan) => this.#advance(loan),
      again: (job, loan) => {
        job.returned();
        this.#queue.putBack(job, loan.lane ?? this.#queue.main);
      },
      writes: (job) => {
        job.returned();
        this.#queue.putBack(job, this.#queue.writing ?? this.#queue.main);
      },
      clean: (lease) => connections.clean(lease, false),
    });
  }

  get lostOutcome(): Outcome {
    return this.#inFlight.lostOutcome;
  }

  /** Statements that were answered, with a result or an error. */
  get statements(): number {
    return this.#inFlight.statements;
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Gives the job's Deferred. */
  submit(job: StatementJob): StatementJob["deferred"] {
    job.recognize(this.#statistics.of(job.sql));
    this.#enqueue(job, this.#queue.writing !== undefined && !this.#onlyReads(job));
    return job.deferred;
  }

  request(request: ExclusiveRequest): void {
    this.#enqueue(request, request.taker.writes);
  }

  /** Takes back what was granted to an exclusive request; `reset` makes the session new again. */
  async giveBack(lease: PooledConnection, reset: boolean): Promise<void> {
    this.#borrowed.tellUse(lease);
    const clean = this.#connections.clean(lease, reset);
    const usable = (clean === true || (await clean)) && !this.#connections.expired(lease);
    if (!usable) await this.#connections.discard(lease);
    this.#borrowed.takeBack(lease)?.leave(lease, () => this.#pump());
    if (usable) this.#borrowed.adopt(lease);
    this.#pump();
    this.#settleDown();
  }

  /** A place may be free, or the time to try again has come. */
  wake(): void {
    this.#pump();
  }

  /**
   * With no connection left there is nothing to wait for; otherwise (a server at its limit) those who wait go on
   * waiting for one that returns.
   */
  connectFailed(error: AdbapiError): void {
    if (!this.#connections.mayConnectSoon) this.#refuseAll(error);
  }

  /** Who waits asked it of the database that was lost; with nobody waiting, the next is told. */
  databaseLost(error: AdbapiError): void {
    if (this.waiting === 0) this.#untold = error;
    this.#refuseAll(error);
  }

  /** Takes a waiter out of the line. */
  withdraw(waiter: Waiter): void {
    waiter.line?.remove(waiter);
    this.#settleDown();
  }

  interrupt(job: StatementJob): Cancellation {
    return this.#inFlight.interrupt(job);
  }

  /** Fires when nothing is queued and nothing runs. Nothing new is taken from now on. */
  drain(): Promise<void> {
    this.#state = "closing";
    return new Promise((resolve) => {
      this.#whenDrained = resolve;
      this.#settleDown();
    });
  }

  /** Refuses what waits, and cancels the statements that run. */
  abort(error: AdbapiError): void {
    this.#refuseAll(error);
    for (const { jobs } of this.#borrowed.carrying) for (const job of [...jobs]) job.cancel(error);
  }

  /** Leaves no timer behind. */
  close(): void {
    this.hold.end();
    this.#queue.close();
    this.#inFlight.close();
    this.#borrowed.close();
  }

  /**
   * A text that the database has not judged yet need not wait for who holds the writer's place to be judged, if it does
   * not look like a write.
   */
  #onlyReads({ sql, text }: StatementJob): boolean {
    return text?.readOnly ?? seemsReadOnly(this.#driver, sql);
  }

  #enqueue(waiter: Waiter, writes: boolean): void {
    if (this.#state === "closing") {
      waiter.refuse(new PoolClosed(`the pool "${this.#options.name}" is closed: nothing was sent`));
      return;
    }
    const untold = this.#untold;
    if (untold !== undefined) {
      this.#untold = undefined;
      waiter.refuse(untold);
      return;
    }
    this.#queue.push(waiter, writes);
    this.hold.working = true;
    this.#pump();
    if (!waiter.waiting) return;
    const { maxWaiting } = this.#options;
    if (this.waiting - this.#borrowed.requested <= maxWaiting) this.#queue.guard(waiter);
    else this.#giveUp(waiter, `${maxWaiting} are waiting already (maxWaiting)`);
  }

  /** Puts on connections what can go, then asks for the connections that are missing. */
  #pump(): void {
    while (this.#putNext());
    this.#borrowed.ask();
  }

  #putNext(): boolean {
    for (const lane of this.#queue.byAge()) {
      const first = lane.line.first;
      const loan = first === undefined ? undefined : this.#placeFor(first, lane);
      if (first === undefined || loan === undefined) continue;
      this.#put(first, lane, loan);
      return true;
    }
    return false;
  }

  /** A connection at hand for the first in line: a quiet one, or the least loaded that it may be stacked on. */
  #placeFor(waiter: Waiter, lane: Lane): Loan | undefined {
    this.#recognize(waiter);
    const stacks = this.#mayStack(waiter, lane);
    const { length } = lane.line;
    const depth = Math.max(DEEP, length / SHARE);
    // Those who are about to be granted a connection of their own, or find one idle, need not wait behind anyone, if
    // one more may serve them.
    const crowded =
      lane.serving >= lane.limit || length > this.#borrowed.requested + this.#connections.available;
    let best: Loan | undefined;
    for (const loan of this.#borrowed.carrying) {
      if (loan.jobs.length === 0) {
        const free = loan.cancels === 0 && loan.lane === undefined && !loan.lease.gone;
        if (free && lane.serving < lane.limit) return loan;
      } else if (stacks && crowded && loan.stacking && !loan.sealed && loan.lane === lane) {
        // One that died still carries those that have not heard of it.
        const most = Math.min(best?.jobs.length ?? depth, loan.lease.depth);
        if (loan.jobs.length < most && loan.lease.session !== "broken") best = loan;
      }
    }
    return best;
  }

  /** Of many of one new text that were asked for at once, the first are not over in vain. */
  #recognize(waiter: Waiter): void {
    if (this.#queue.writing === undefined || waiter instanceof ExclusiveRequest) return;
    const job = waiter as StatementJob;
    if (job.text === undefined) job.recognize(this.#statistics.of(job.sql));
  }

  #mayStack(waiter: Waiter, lane: Lane): boolean {
    if (waiter instanceof ExclusiveRequest) return false;
    // In the writers' lane everyone waits for the writer before them in any case.
    return lane === this.#queue.writing || mayBeStacked((waiter as StatementJob).text);
  }

  #put(waiter: Waiter, lane: Lane, loan: Loan): void {
    lane.line.remove(waiter);
    if (loan.lane === undefined) {
      loan.lane = lane;
      lane.serving++;
      if (loan.lease.state === "idle") loan.lease.move("leased");
    }
    if (waiter instanceof ExclusiveRequest) this.#borrowed.lend(loan, lane, waiter);
    else {
      const job = waiter as StatementJob;
      const reads = this.#queue.writing !== undefined && lane !== this.#queue.writing;
      this.#inFlight.send(job, loan, this.#mayStack(waiter, lane), reads && job.text?.readOnly !== true);
    }
  }

  /** Something left the connection, or may have ended: what comes next on it? */
  #advance(loan: Loan): void {
    this.#settle(loan);
    this.#pump();
    if (loan.lane === undefined && loan.quiet && this.#borrowed.carrying.has(loan))
      this.#borrowed.linger(loan);
  }

  /** A connection that has become quiet is free for any work, unless it is of no more use. */
  #settle(loan: Loan): void {
    if (!loan.quiet || !this.#borrowed.carrying.has(loan)) return;
    loan.lease.cancellations.relieve();
    loan.sealed = loan.stacking = false;
    if (loan.lease.gone || loan.lease.session !== "idle" || this.#connections.expired(loan.lease))
      this.#borrowed.dismiss(loan);
    else this.#unbind(loan);
  }

  #unbind(loan: Loan): void {
    loan.lane?.leave(loan.lease, () => this.#pump());
    loan.lane = undefined;
  }

  #refuseAll(error: AdbapiError): void {
    this.#queue.refuseAll(error);
    this.#settleDown();
  }

  /** It has waited for long enough, or there is no room for it to wait. */
  #giveUp(waiter: Waiter, why: string): void {
    const error = this.#timeout(waiter, why);
    this.withdraw(waiter);
    waiter.refuse(error);
  }

  #timeout(waiter: Waiter, why: string): PoolTimeout {
    this.timeouts++;
    return explainPoolTimeout(why, waiter, {
      name: this.#options.name,
      max: this.#options.max,
      open: this.#connections.open,
      idle: this.#connections.idle,
      connecting: this.#connections.connecting,
      waiting: this.waiting,
      holders: [...this.#borrowed.holders()],
      awaitsWriter: waiter.line !== undefined && waiter.line === this.#queue.writing?.line,
      writerEnding: this.#queue.writing?.ending === true,
      lastFailure: this.#connections.lastFailure,
    });
  }

  #settleDown(): void {
    if (!this.#borrowed.none || this.waiting > 0) return;
    this.hold.working = false;
    this.#whenDrained?.();
  }
}
