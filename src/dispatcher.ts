import type { Cancellation, Driver, Result } from "../drivers/driver.js";
import { channels, type Origin } from "./diagnostics.js";
import { cancelOn, executeOn, translated } from "./driver-faults.js";
import { copyOf, withDetails } from "./error-details.js";
import {
  type AdbapiError,
  ConnectionLost,
  type Outcome,
  PoolClosed,
  type PoolTimeout,
  ProgrammingError,
} from "./errors.js";
import { ExclusiveRequest } from "./exclusive-request.js";
import { Lane } from "./lane.js";
import type { Lease } from "./lease.js";
import type { Leases } from "./leases.js";
import { Loan } from "./loan.js";
import type { ResolvedOptions } from "./options.js";
import { explainPoolTimeout } from "./pool-timeout.js";
import { mayBeStacked, Profile } from "./profile.js";
import type { JobCarrier, StatementJob } from "./statement-job.js";
import type { Waiter } from "./waiting-line.js";

/** A statement that stays at the head of its connection for longer is stuck: those behind it may go elsewhere. */
const STUCK_MILLIS = 100;
/** The longest that a server may take to settle a statement that it was asked to stop; then the connection is destroyed. */
const SETTLE_MILLIS = 5_000;
/** How often work that never reached a server is sent anew. */
const RESENDS = 3;

/**
 * The one queue of all work: statements and exclusive requests are served in the order asked. A connection is kept while work is queued, and
 * carries several statements ahead of their answers where that is sound.
 */
export class Dispatcher implements JobCarrier {
  readonly lostOutcome: Outcome = "unknown";
  readonly #driver: Driver;
  readonly #options: ResolvedOptions;
  readonly #leases: Leases;
  readonly #origin: Origin;
  readonly #profile: Profile;
  /** What reads, or all there is; and what may write, where the database has a single writer. */
  readonly #main = new Lane(Number.POSITIVE_INFINITY);
  readonly #writing: Lane | undefined;
  readonly #lanes: readonly Lane[];
  readonly #writersFirst: readonly Lane[];
  readonly #loans = new Set<Loan>();
  /** Connections lent for exclusive use, and the lane that each counts for. */
  readonly #exclusives = new Map<Lease, Lane>();
  /** Connections asked of the leases, and not granted yet. */
  #requested = 0;
  #tickets = 0;
  /** Connections with nothing to do, for what is left of this turn of the event loop. */
  #lingering: Loan[] = [];
  #releaser: NodeJS.Immediate | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #stuckTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #state: "open" | "closing" = "open";
  #whenDrained: (() => void) | undefined;
  /** Keeps the process alive while there is work; connections themselves never do. */
  readonly #alive = setInterval(() => {}, 2 ** 31 - 1).unref();
  #atWork = false;
  #errands = 0;
  /** Statements that were answered, with a result or an error. */
  statements = 0;
  /** Waiters that were refused since no connection came free. */
  timeouts = 0;

  constructor(driver: Driver, options: ResolvedOptions, leases: Leases, origin: Origin) {
    this.#driver = driver;
    this.#options = options;
    this.#leases = leases;
    this.#origin = origin;
    this.#profile = new Profile((sql) => driver.stackable?.(sql) ?? false);
    this.#writing = driver.singleWriter === true ? new Lane(1) : undefined;
    this.#lanes = this.#writing === undefined ? [this.#main] : [this.#main, this.#writing];
    this.#writersFirst = [...this.#lanes].reverse();
  }

  get waiting(): number {
    let waiting = 0;
    for (const lane of this.#lanes) waiting += lane.line.length;
    return waiting;
  }

  /** Gives the job's Deferred. */
  submit(job: StatementJob): StatementJob["deferred"] {
    job.habits = this.#profile.of(job.sql);
    const reads = this.#writing === undefined || this.#onlyReads(job);
    this.#enqueue(job, reads ? this.#main : this.#writing!);
    return job.deferred;
  }

  /** A text that the database has not judged yet is judged by the driver: a plain select need not wait for who holds the writer's place. */
  #onlyReads({ sql, habits }: StatementJob): boolean {
    return habits?.readOnly ?? this.#driver.repeatable?.(sql) ?? false;
  }

  request(request: ExclusiveRequest): void {
    const reads = this.#writing === undefined || !request.taker.writes;
    this.#enqueue(request, reads ? this.#main : this.#writing!);
  }

  /** Takes back what was granted to an exclusive request; `reset` makes the session new again. */
  async giveBack(lease: Lease, reset: boolean): Promise<void> {
    this.#tellUse(lease);
    const clean = this.#leases.clean(lease, reset);
    const usable = clean === true || (await clean);
    if (!usable) await this.#leases.discard(lease);
    const lane = this.#exclusives.get(lease);
    this.#exclusives.delete(lease);
    if (lane !== undefined) lane.serving--;
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
    if (this.#leases.promising) return;
    for (const lane of this.#lanes) this.#refuseAll(lane, error);
  }

  /** Takes a waiter out of the line. */
  withdraw(waiter: Waiter): void {
    waiter.line?.remove(waiter);
    this.#settleDown();
  }

  interrupt(job: StatementJob): Cancellation {
    const loan = job.loan;
    const cancellation = loan && cancelOn(loan.conn, job);
    if (loan === undefined || cancellation === undefined) {
      loan?.conn.destroy();
      return { outcome: "unknown", done: Promise.resolve() };
    }
    loan.cancels++;
    loan.sealed = true;
    this.#limit(loan);
    void cancellation.done.then(() => {
      loan.cancels--;
      this.#advance(loan);
    });
    return cancellation;
  }

  /** The process stays alive until this is done, though no statement waits for it. */
  async whileWorking<T>(work: Promise<T>): Promise<T> {
    this.#errands++;
    this.#alive.ref();
    try {
      return await work;
    } finally {
      this.#errands--;
      if (this.#errands === 0 && !this.#atWork) this.#alive.unref();
    }
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
    for (const lane of this.#lanes) this.#refuseAll(lane, error);
    for (const loan of this.#loans) for (const job of [...loan.jobs]) job.cancel(error);
  }

  /** Leaves no timer behind. */
  close(): void {
    clearInterval(this.#alive);
    clearTimeout(this.#deadlineTimer);
    clearTimeout(this.#stuckTimer);
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

  #enqueue(waiter: Waiter, lane: Lane): void {
    if (this.#state === "closing") {
      waiter.refuse(new PoolClosed(`the pool "${this.#options.name}" is closed: nothing was sent`));
      return;
    }
    waiter.since = performance.now();
    waiter.ticket = this.#tickets++;
    lane.line.push(waiter);
    if (!this.#atWork) {
      this.#atWork = true;
      this.#alive.ref();
    }
    this.#pump();
    if (waiter.line === undefined) return;
    const { maxWaiting } = this.#options;
    if (maxWaiting !== undefined && this.waiting - this.#requested > maxWaiting) {
      this.withdraw(waiter);
      waiter.refuse(this.#timeout(waiter, `${maxWaiting} are waiting already (maxWaiting)`));
    } else if (this.#deadlineTimer === undefined) this.#armDeadline();
  }

  /** Puts on connections what can go, then asks for the connections that are missing. */
  #pump(): void {
    while (this.#putNext());
    this.#ask();
  }

  #putNext(): boolean {
    for (const lane of this.#byAge()) {
      const first = lane.line.first;
      const loan = first === undefined ? undefined : this.#placeFor(first, lane);
      if (first === undefined || loan === undefined) continue;
      this.#put(first, lane, loan);
      return true;
    }
    return false;
  }

  /** The lanes, the one with the oldest work first. */
  #byAge(): readonly Lane[] {
    const write = this.#writing?.line.first;
    if (write === undefined) return this.#lanes;
    const read = this.#main.line.first;
    return read === undefined || write.ticket < read.ticket ? this.#writersFirst : this.#lanes;
  }

  /** A connection at hand for the first in line: a quiet one, or the least loaded that it may be stacked on. */
  #placeFor(waiter: Waiter, lane: Lane): Loan | undefined {
    const stacks = this.#mayStack(waiter, lane);
    // Those who are about to be granted a connection of their own need not wait behind anyone.
    const crowded = this.waiting > this.#requested;
    let best: Loan | undefined;
    for (const loan of this.#loans) {
      if (loan.jobs.length === 0) {
        const free = loan.cancels === 0 && loan.lane === undefined && !loan.lease.gone;
        if (free && lane.serving < lane.limit) return loan;
      } else if (stacks && crowded && loan.stacking && !loan.sealed && loan.lane === lane) {
        if (loan.jobs.length < (best?.jobs.length ?? this.#options.pipeline)) best = loan;
      }
    }
    return best;
  }

  #mayStack(waiter: Waiter, lane: Lane): boolean {
    if (this.#options.pipeline === 1 || waiter instanceof ExclusiveRequest) return false;
    // In the writers' lane everyone waits for the writer before them in any case.
    return lane === this.#writing || mayBeStacked((waiter as StatementJob).habits);
  }

  #put(waiter: Waiter, lane: Lane, loan: Loan): void {
    lane.line.remove(waiter);
    if (loan.lane === undefined) {
      loan.lane = lane;
      lane.serving++;
      if (loan.lease.state === "idle") loan.lease.move("leased");
    }
    if (waiter instanceof ExclusiveRequest) this.#lend(loan, lane, waiter);
    else this.#send(waiter as StatementJob, loan, this.#mayStack(waiter, lane));
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

  #send(job: StatementJob, loan: Loan, stackable: boolean): void {
    job.sent(loan);
    if (job.trace !== undefined) job.trace.waitedMillis = performance.now() - job.since;
    loan.worked = true;
    loan.stacking = stackable;
    loan.jobs.push(job);
    if (loan.jobs.length === 1) job.begun(performance.now());
    else if (this.#stuckTimer === undefined) this.#watch();
    const { sends } = job;
    executeOn(loan.conn, job).then(
      (result) => this.#answered(loan, job, sends, result),
      (error) => this.#failed(loan, job, sends, error),
    );
  }

  #answered(loan: Loan, job: StatementJob, sends: number, result: Result): void {
    const now = performance.now();
    const { begunAt } = job;
    loan.take(job, now);
    this.#limit(loan);
    // Rescued, and answered after all before it went elsewhere.
    if (job.sends === sends) job.line?.remove(job);
    // Sent once more elsewhere meanwhile: that is the answer that counts. Or its caller was answered while it waited again.
    if (job.sends !== sends || job.state === "settled") {
      this.#advance(loan);
      return;
    }
    this.statements++;
    this.#profile.learn(job.sql, job.habits, now - begunAt, result?.readOnly);
    if (loan.jobs.length === 0 && loan.conn.state !== "idle" && loan.conn.state !== "broken") {
      this.#leftOpen(loan, job);
      return;
    }
    // Whoever hears of the answer may ask for more at once: it may go onto this very connection.
    this.#settle(loan);
    job.answered(result);
    this.#advance(loan);
  }

  #failed(loan: Loan, job: StatementJob, sends: number, reason: unknown): void {
    loan.take(job, performance.now());
    this.#limit(loan);
    // Rescued: another connection gives, or will give, the answer that counts, unless its caller was answered while it waited again.
    if (job.sends !== sends || job.waiting || job.state === "settled") {
      this.#advance(loan);
      return;
    }
    const error = translated(this.#driver, reason);
    const cancelled = this.#driver.cancelled?.(reason, job.sql);
    // The loss of a connection that was given up over a cancelled neighbour: the driver is sure that nothing of this one lasts.
    const undone = error instanceof ConnectionLost && error.outcome === "not applied" && loan.sealed;
    const unsent = undone || (error instanceof ConnectionLost && error.outcome === "not sent");
    // A server can only cancel whatever runs: the cancel of a neighbour hit this one, and nothing of it was done.
    const innocent = cancelled === "not applied" && loan.sealed && mayBeStacked(job.habits);
    if (job.state === "sent" && job.sends <= RESENDS && (innocent || (unsent && this.#options.reconnect))) {
      this.#sendAgain(loan, job);
    } else {
      this.statements++;
      const outcome = this.lostOutcome;
      job.failed(withDetails(error, { sql: job.sql, params: job.params, outcome }), cancelled);
    }
    this.#advance(loan);
  }

  #sendAgain(loan: Loan, job: StatementJob): void {
    job.returned();
    (loan.lane ?? this.#main).line.unshift(job);
    // It may have waited for longer than all who wait now.
    clearTimeout(this.#deadlineTimer);
    this.#armDeadline();
  }

  /** What the server works at, or a cancel on its way, is owed to nobody: it has so long to be over. Whoever is ahead of it keeps its own time. */
  #limit(loan: Loan): void {
    clearTimeout(loan.deadline);
    loan.deadline = undefined;
    const [head] = loan.jobs;
    const owed =
      head === undefined ? loan.cancels > 0 : head.state === "overdue" || head.state === "abandoned";
    if (owed) loan.deadline = setTimeout(() => loan.conn.destroy(), SETTLE_MILLIS).unref();
  }

  /** A single statement opened a transaction: nobody would ever end it, and the next taker would be inside. */
  #leftOpen(loan: Loan, job: StatementJob): void {
    const message =
      "the statement left a transaction open, which was rolled back: use runInteraction, or runWithConnection";
    const error = new ProgrammingError(message, { sql: job.sql });
    loan.cancels++;
    void Promise.resolve(this.#leases.clean(loan.lease, false)).then(() => {
      loan.cancels--;
      job.failed(error, undefined);
      this.#advance(loan);
    });
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
    clearTimeout(loan.deadline);
    loan.deadline = undefined;
    loan.sealed = loan.stacking = false;
    if (loan.lease.gone || loan.conn.state !== "idle" || this.#leases.expired(loan.lease))
      this.#dismiss(loan);
    else this.#unbind(loan);
  }

  #unbind(loan: Loan): void {
    if (loan.lane !== undefined) loan.lane.serving--;
    loan.lane = undefined;
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

  /** Of no more use; its lane waits until the session is really over. */
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
    let wanted = -this.#requested;
    for (const { line, limit, serving } of this.#lanes) wanted += Math.min(line.length, limit - serving);
    for (let n = Math.min(free, wanted); n > 0; n--) {
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
    this.#loans.add(loan);
    this.#advance(loan);
  }

  #refuseAll(lane: Lane, error: AdbapiError): void {
    for (let left = lane.line.length; left > 0; left--) {
      const waiter = lane.line.first;
      if (waiter === undefined) break;
      lane.line.remove(waiter);
      waiter.refuse(copyOf(error));
    }
    this.#settleDown();
  }

  #armDeadline(): void {
    let due = Number.POSITIVE_INFINITY;
    for (const { line } of this.#lanes) {
      if (line.first !== undefined)
        due = Math.min(due, line.first.since + this.#options.acquireTimeoutMillis);
    }
    this.#deadlineTimer = undefined;
    if (due === Number.POSITIVE_INFINITY) return;
    const wait = Math.max(1, Math.ceil(due - performance.now()));
    this.#deadlineTimer = setTimeout(() => this.#expire(), wait).unref();
  }

  #expire(): void {
    this.#deadlineTimer = undefined;
    const limit = this.#options.acquireTimeoutMillis;
    const now = performance.now();
    for (const { line } of this.#lanes) {
      for (let first = line.first; first !== undefined && now >= first.since + limit; first = line.first) {
        const error = this.#timeout(first, `no connection came free in ${limit} ms (acquireTimeoutMillis)`);
        line.remove(first);
        first.refuse(error);
      }
    }
    this.#armDeadline();
    this.#settleDown();
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
      awaitsWriter: this.#writing !== undefined && waiter.line === this.#writing.line,
      lastFailure: this.#leases.lastFailure,
    });
  }

  /** Looks for statements that got stuck in front of others. */
  #watch(): void {
    const due = performance.now() + STUCK_MILLIS / 2;
    this.#stuckTimer = setTimeout(() => {
      this.#stuckTimer = undefined;
      // When this process itself was busy, the answers may be here, unread.
      const late = performance.now() - due;
      const limit = performance.now() - STUCK_MILLIS - late;
      let stacked = false;
      for (const loan of [...this.#loans]) {
        const head = loan.jobs[0];
        if (head === undefined || loan.jobs.length === 1) continue;
        stacked = true;
        if (head.begunAt < limit && !loan.sealed) this.#rescue(loan);
      }
      if (stacked && this.#stuckTimer === undefined) this.#watch();
    }, STUCK_MILLIS / 2).unref();
  }

  /** What waits behind a stuck statement, and may be run twice, goes to the head of the queue. */
  #rescue(loan: Loan): void {
    loan.sealed = true;
    for (const job of loan.jobs.slice(1).reverse()) {
      if (job.state === "sent" && this.#driver.repeatable?.(job.sql) === true) this.#sendAgain(loan, job);
    }
    this.#pump();
  }

  #settleDown(): void {
    if (this.#loans.size > 0 || this.#exclusives.size > 0 || this.waiting > 0) return;
    if (this.#atWork) {
      this.#atWork = false;
      if (this.#errands === 0) this.#alive.unref();
    }
    this.#whenDrained?.();
  }
}
