import type { Cancellation, Driver } from "../drivers/driver.js";
import { channels, type Origin } from "./diagnostics.js";
import { judged } from "./driver-faults.js";
import { type AdbapiError, type Outcome, PoolClosed, type PoolTimeout } from "./errors.js";
import { ExclusiveRequest } from "./exclusive-request.js";
import { Flight } from "./flight.js";
import type { Lane } from "./lane.js";
import type { Lease } from "./lease.js";
import type { Leases } from "./leases.js";
import { Loan } from "./loan.js";
import type { ResolvedOptions } from "./options.js";
import { explainPoolTimeout } from "./pool-timeout.js";
import { mayBeStacked, Profile } from "./profile.js";
import { Queue } from "./queue.js";
import type { JobCarrier, StatementJob } from "./statement-job.js";
import { Vigil } from "./vigil.js";
import type { Waiter } from "./waiting-line.js";

/** So many go ahead on one connection at any time, if its driver takes as many. More go of a long queue only: at the most this part of it. */
const DEEP = 64;
const SHARE = 8;

/**
 * The one queue of all work: statements and exclusive requests are served in the order asked. A connection is kept while work is queued, and
 * carries several statements ahead of their answers where that is sound.
 */
export class Dispatcher implements JobCarrier {
  readonly #driver: Driver;
  readonly #options: ResolvedOptions;
  readonly #leases: Leases;
  readonly #origin: Origin;
  readonly #profile: Profile;
  readonly #queue: Queue;
  readonly #flight: Flight;
  readonly #loans = new Set<Loan>();
  /** Connections lent for exclusive use, and the lane that each counts for. */
  readonly #exclusives = new Map<Lease, Lane>();
  /** The last writer was given up, and is still inside of the database. */
  #writerEnding = false;
  /** Connections asked of the leases, and not granted yet. */
  #requested = 0;
  /** Connections with nothing to do, for what is left of this turn of the event loop. */
  #lingering: Loan[] = [];
  #releaser: NodeJS.Immediate | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #state: "open" | "closing" = "open";
  #whenDrained: (() => void) | undefined;
  readonly vigil = new Vigil();
  /** Waiters that were refused since no connection came free. */
  timeouts = 0;

  constructor(driver: Driver, options: ResolvedOptions, leases: Leases, origin: Origin) {
    this.#driver = driver;
    this.#options = options;
    this.#leases = leases;
    this.#origin = origin;
    this.#profile = new Profile((sql) => judged(driver, "stackable", sql));
    const limit = options.acquireTimeoutMillis;
    this.#queue = new Queue(driver.singleWriter === true, limit, (waiter) =>
      this.#giveUp(waiter, `no connection came free in ${limit} ms (acquireTimeoutMillis)`),
    );
    this.#flight = new Flight({
      driver,
      profile: this.#profile,
      loans: this.#loans,
      reconnect: options.reconnect,
      settle: (loan) => this.#settle(loan),
      advance: (loan) => this.#advance(loan),
      again: (job, loan) => {
        job.returned();
        this.#queue.putBack(job, loan.lane ?? this.#queue.main);
      },
      clean: (lease) => leases.clean(lease, false),
    });
  }

  get lostOutcome(): Outcome {
    return this.#flight.lostOutcome;
  }

  /** Statements that were answered, with a result or an error. */
  get statements(): number {
    return this.#flight.statements;
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Gives the job's Deferred. */
  submit(job: StatementJob): StatementJob["deferred"] {
    job.recognize(this.#profile.of(job.sql));
    this.#enqueue(job, this.#queue.writing !== undefined && !this.#onlyReads(job));
    return job.deferred;
  }

  /** A text that the database has not judged yet is judged by the driver: a plain select need not wait for who holds the writer's place. */
  #onlyReads({ sql, habits }: StatementJob): boolean {
    return habits?.readOnly ?? judged(this.#driver, "repeatable", sql);
  }

  request(request: ExclusiveRequest): void {
    this.#enqueue(request, request.taker.writes);
  }

  /** Takes back what was granted to an exclusive request; `reset` makes the session new again. */
  async giveBack(lease: Lease, reset: boolean): Promise<void> {
    this.#tellUse(lease);
    const clean = this.#leases.clean(lease, reset);
    const usable = clean === true || (await clean);
    if (!usable) await this.#leases.discard(lease);
    const lane = this.#exclusives.get(lease);
    this.#exclusives.delete(lease);
    if (lane !== undefined) this.#leave(lane, lease);
    if (usable) this.#adopt(lease);
    this.#pump();
    this.#settleDown();
  }

  /** A place may be free, or the time to try again has come. */
  wake(): void {
    this.#pump();
  }

  /** With no connection left there is nothing to wait for; otherwise (a server at its limit) those who wait go on waiting for one that returns. */
  connectFailed(error: AdbapiError): void {
    if (!this.#leases.promising) this.#refuseAll(error);
  }

  /** Takes a waiter out of the line. */
  withdraw(waiter: Waiter): void {
    waiter.line?.remove(waiter);
    this.#settleDown();
  }

  interrupt(job: StatementJob): Cancellation {
    return this.#flight.interrupt(job);
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
    for (const loan of this.#loans) for (const job of [...loan.jobs]) job.cancel(error);
  }

  /** Leaves no timer behind. */
  close(): void {
    this.vigil.end();
    this.#queue.close();
    this.#flight.close();
    clearTimeout(this.#retryTimer);
    if (this.#releaser !== undefined) clearImmediate(this.#releaser);
  }

  /** Those that hold a connection now, in words, with whether anything of theirs runs. */
  *holders(): Generator<{ readonly lease: Lease; readonly what: string; readonly runs: boolean }> {
    for (const { lease, jobs } of this.#loans) {
      yield { lease, what: `${jobs.length} statement(s), first: ${jobs[0]?.sql ?? ""}`, runs: true };
    }
    for (const lease of this.#exclusives.keys()) yield { lease, what: lease.holder, runs: lease.busy() };
  }

  #enqueue(waiter: Waiter, writes: boolean): void {
    if (this.#state === "closing") {
      waiter.refuse(new PoolClosed(`the pool "${this.#options.name}" is closed: nothing was sent`));
      return;
    }
    this.#queue.push(waiter, writes);
    this.vigil.working = true;
    this.#pump();
    if (!waiter.waiting) return;
    const { maxWaiting } = this.#options;
    if (this.waiting - this.#requested <= maxWaiting) this.#queue.guard(waiter);
    else this.#giveUp(waiter, `${maxWaiting} are waiting already (maxWaiting)`);
  }

  /** Puts on connections what can go, then asks for the connections that are missing. */
  #pump(): void {
    while (this.#putNext());
    this.#ask();
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
    const stacks = this.#mayStack(waiter, lane);
    const depth = Math.min(this.#options.pipeline, Math.max(DEEP, this.waiting / SHARE));
    // Those who are about to be granted a connection of their own, or find one idle, need not wait behind anyone.
    const crowded = this.waiting > this.#requested + this.#leases.available;
    let best: Loan | undefined;
    for (const loan of this.#loans) {
      if (loan.jobs.length === 0) {
        const free = loan.cancels === 0 && loan.lane === undefined && !loan.lease.gone;
        if (free && lane.serving < lane.limit) return loan;
      } else if (stacks && crowded && loan.stacking && !loan.sealed && loan.lane === lane) {
        // One that died still carries those that have not heard of it.
        if (loan.jobs.length < (best?.jobs.length ?? depth) && loan.lease.session !== "broken") best = loan;
      }
    }
    return best;
  }

  #mayStack(waiter: Waiter, lane: Lane): boolean {
    if (this.#options.pipeline === 1 || waiter instanceof ExclusiveRequest) return false;
    // In the writers' lane everyone waits for the writer before them in any case.
    return lane === this.#queue.writing || mayBeStacked((waiter as StatementJob).habits);
  }

  #put(waiter: Waiter, lane: Lane, loan: Loan): void {
    lane.line.remove(waiter);
    if (loan.lane === undefined) {
      loan.lane = lane;
      lane.serving++;
      if (loan.lease.state === "idle") loan.lease.move("leased");
    }
    if (waiter instanceof ExclusiveRequest) this.#lend(loan, lane, waiter);
    else this.#flight.send(waiter as StatementJob, loan, this.#mayStack(waiter, lane));
  }

  #lend(loan: Loan, lane: Lane, request: ExclusiveRequest): void {
    const { lease } = loan;
    this.#loans.delete(loan);
    this.#exclusives.set(lease, lane);
    lease.heldSince = performance.now();
    lease.holder = request.taker.holder;
    lease.holderStack = request.taker.stack;
    request.taker.granted(lease);
  }

  /** Something left the connection, or may have ended: what comes next on it? */
  #advance(loan: Loan): void {
    this.#settle(loan);
    this.#pump();
    if (loan.lane === undefined && loan.quiet && this.#loans.has(loan)) this.#linger(loan);
  }

  /** A connection that has become quiet is free for any work, unless it is of no more use. */
  #settle(loan: Loan): void {
    if (!loan.quiet || !this.#loans.has(loan)) return;
    loan.relieve();
    loan.sealed = loan.stacking = false;
    if (loan.lease.gone || loan.lease.session !== "idle" || this.#leases.expired(loan.lease))
      this.#dismiss(loan);
    else this.#unbind(loan);
  }

  #unbind(loan: Loan): void {
    if (loan.lane !== undefined) this.#leave(loan.lane, loan.lease);
    loan.lane = undefined;
  }

  /** One fewer serves the lane. What is destroyed may hold the writer's locks until its session is really over: the next writer waits for that. */
  #leave(lane: Lane, { gone, conn: { ended } }: Lease): void {
    if (!gone || ended === undefined || lane !== this.#queue.writing) {
      lane.serving--;
      return;
    }
    this.#writerEnding = true;
    const over = () => {
      this.#writerEnding = false;
      lane.serving--;
      this.#pump();
    };
    void ended.then(over, over);
  }

  /**
   * Nothing more for it to do just now. Who awaited its answer may ask again before this turn of the event loop is over: until then it is
   * idle, and at hand.
   */
  #linger(loan: Loan): void {
    if (loan.lease.state !== "idle") loan.lease.move("idle");
    if (loan.lingers) return;
    loan.lingers = true;
    this.#lingering.push(loan);
    this.#releaser ??= setImmediate(() => this.#release());
  }

  #release(): void {
    this.#releaser = undefined;
    const lingering = this.#lingering;
    this.#lingering = [];
    for (const loan of lingering) {
      loan.lingers = false;
      if (loan.lane !== undefined || !this.#loans.delete(loan)) continue;
      if (loan.worked) this.#tellUse(loan.lease);
      this.#leases.release(loan.lease);
    }
    // One that died while it lingered has given up its place just now.
    if (this.waiting > 0) this.#pump();
    this.#settleDown();
  }

  /** Of no more use. */
  #dismiss(loan: Loan): void {
    const over = () => {
      this.#unbind(loan);
      this.#loans.delete(loan);
      this.#pump();
      this.#settleDown();
    };
    loan.sealed = true;
    loan.cancels++;
    if (loan.worked) this.#tellUse(loan.lease);
    void this.#leases.discard(loan.lease).then(over);
  }

  #tellUse(lease: Lease): void {
    const { release } = channels;
    if (!release.hasSubscribers) return;
    release.publish({ ...this.#origin, heldMillis: performance.now() - lease.heldSince });
  }

  #ask(): void {
    const free = this.#options.max - this.#loans.size - this.#exclusives.size - this.#requested;
    for (let n = Math.min(free, this.#queue.wanted - this.#requested); n > 0; n--) {
      if (!this.#leases.ready) {
        this.#retryTimer ??= setTimeout(() => {
          this.#retryTimer = undefined;
          this.#pump();
        }, this.#leases.pauseMillis).unref();
        return;
      }
      this.#requested++;
      this.#leases.acquire().then(
        (lease) => {
          this.#requested--;
          this.#adopt(lease);
        },
        () => {
          // Why, was said when it failed.
          this.#requested--;
          this.#pump();
        },
      );
    }
  }

  /** A connection has come: it goes to the head of the queue, or back if nobody waits any more. */
  #adopt(lease: Lease): void {
    lease.heldSince = performance.now();
    const loan = new Loan(lease);
    lease.unsettled = (lost) => this.#flight.lost(loan, lost);
    this.#loans.add(loan);
    this.#advance(loan);
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
      open: this.#leases.open,
      idle: this.#leases.idle,
      connecting: this.#leases.connecting,
      waiting: this.waiting,
      holders: [...this.holders()],
      awaitsWriter: waiter.line !== undefined && waiter.line === this.#queue.writing?.line,
      writerEnding: this.#writerEnding,
      lastFailure: this.#leases.lastFailure,
    });
  }

  #settleDown(): void {
    if (this.#loans.size > 0 || this.#exclusives.size > 0 || this.waiting > 0) return;
    this.vigil.working = false;
    this.#whenDrained?.();
  }
}
