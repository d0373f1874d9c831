import type { Cancellation, Driver } from "../../drivers/driver.js";
import type { Origin } from "../diagnostics/channels.js";
import { type AdbapiError, type Outcome, PoolClosed } from "../errors/classes.js";
import type { ResolvedOptions } from "../options/settings.js";
import type { Connections } from "../pool/connections.js";
import { judged, seemsReadOnly } from "../pool/driver-guard.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { JobCarrier, StatementJob } from "../statement/statement-job.js";
import { mayBeStacked, TextStatistics } from "../statement/text-statistics.js";
import type { Lane, Waiter } from "../statement/waiting-line.js";
import { Borrowed, type Dispatching } from "./borrowed.js";
import { InFlight } from "./in-flight.js";
import { explainPoolTimeout } from "./pool-timeout.js";
import { ProcessHold } from "./process-hold.js";
import { ExclusiveRequest, Queue } from "./queue.js";

/**
 * The one queue of all work: statements and exclusive requests are served in the order asked. A connection is kept
 * while work is queued, and carries several statements ahead of their answers where that is sound.
 */
export class Dispatcher implements JobCarrier, Dispatching {
  readonly #driver: Driver;
  readonly #options: ResolvedOptions;
  readonly #connections: Connections;
  readonly #statistics: TextStatistics;
  readonly #queue: Queue;
  readonly #inFlight: InFlight;
  readonly #borrowed: Borrowed;
  #state: "open" | "closing" = "open";
  /** Waiters are numbered in the order asked, whether they have to wait or not. */
  #tickets = 0;
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
    this.#borrowed = new Borrowed(connections, options, origin, this);
    this.#inFlight = new InFlight({
      driver,
      statistics: this.#statistics,
      connections,
      borrowed: this.#borrowed,
      queue: this.#queue,
      // Elsewhere it would find another database.
      reconnect: options.reconnect && !connections.ownDatabase,
      next: (connection) => this.arrived(connection),
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
    const { main, writing } = this.#queue;
    this.#recognize(job);
    this.#enqueue(job, writing !== undefined && !this.#onlyReads(job) ? writing : main);
    return job.deferred;
  }

  request(request: ExclusiveRequest): void {
    const { main, writing } = this.#queue;
    this.#enqueue(request, request.writes ? (writing ?? main) : main);
  }

  /** Takes back what was granted to an exclusive request; `reset` makes the session new again. */
  async giveBack(connection: PooledConnection, reset: boolean): Promise<void> {
    const clean = !reset && connection.reusableAt(performance.now());
    this.#borrowed.tellUse(connection);
    const usable = clean || ((await this.#connections.clean(connection, reset)) && !connection.spent);
    if (!usable) await this.#connections.discard(connection);
    if (this.#borrowed.takeBack(connection, usable)) this.arrived(connection);
    else this.serve();
    this.left();
  }

  /** What waits may be served now: puts on connections what can go, then asks for those that are missing. */
  serve(): void {
    const { main, writing } = this.#queue;
    let placed = true;
    while (placed && (main.length > 0 || (writing !== undefined && writing.length > 0)))
      placed = this.#putNext();
    if (!placed) this.#ask();
  }

  /** The connection has come, or something left it: what is first on it? With nothing to do it lingers. */
  arrived(connection: PooledConnection): void {
    this.serve();
    const { state, lane, jobs, holds } = connection;
    if (state === "shared" && lane === undefined && jobs.length === 0 && holds === 0)
      this.#borrowed.linger(connection);
  }

  /** One was given back, or is gone. */
  left(): void {
    const { carrying, lent } = this.#borrowed;
    if (carrying.size > 0 || lent.size > 0 || this.waiting > 0) return;
    this.hold.working = false;
    this.#whenDrained?.();
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
    this.left();
  }

  interrupt(job: StatementJob): Cancellation {
    return this.#inFlight.interrupt(job);
  }

  /** Fires when nothing is queued and nothing runs. Nothing new is taken from now on. */
  drain(): Promise<void> {
    this.#state = "closing";
    return new Promise((resolve) => {
      this.#whenDrained = resolve;
      this.left();
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

  #enqueue(waiter: Waiter, lane: Lane): void {
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
    waiter.ticket = this.#tickets++;
    // With nothing ahead of it, what can go at once goes at once.
    const first = lane.first === undefined;
    if (first && this.#putAtOnce(waiter, lane, 1)) return;
    this.hold.working = true;
    lane.push(waiter);
    if (first) this.#ask();
    else this.serve();
    if (waiter.line === undefined) return;
    const { maxWaiting } = this.#options;
    const full =
      maxWaiting !== Number.POSITIVE_INFINITY && this.waiting - this.#borrowed.requested > maxWaiting;
    if (full) this.#giveUp(waiter, `${maxWaiting} are waiting already (maxWaiting)`);
    else lane.guard(waiter);
  }

  /** Asks for the connections that could serve what waits. */
  #ask(): void {
    const { main, writing } = this.#queue;
    let wanted = main.length;
    if (writing !== undefined) wanted += Math.min(writing.length, writing.limit - writing.serving);
    this.#borrowed.ask(wanted);
  }

  #putNext(): boolean {
    const { main, writing } = this.#queue;
    if (writing === undefined)
      return main.first !== undefined && this.#putAtOnce(main.first, main, main.length);
    for (const lane of this.#queue.byAge()) {
      const { first } = lane;
      if (first === undefined) continue;
      // Of many of one new text that were asked for at once, the first are not over in vain.
      if (!(first instanceof ExclusiveRequest)) this.#recognize(first as StatementJob);
      if (this.#putAtOnce(first, lane, lane.length)) return true;
    }
    return false;
  }

  /** Puts the first of a lane, in which `length` wait, on a connection at hand, if one may take it. */
  #putAtOnce(waiter: Waiter, lane: Lane, length: number): boolean {
    if (this.#borrowed.carrying.size === 0) return false;
    const stackable = this.#mayStack(waiter, lane);
    const connection = this.#borrowed.connectionFor(lane, length, stackable);
    if (connection === undefined) return false;
    if (waiter.line === undefined) this.hold.working = true;
    else lane.remove(waiter);
    if (connection.lane === undefined) {
      connection.lane = lane;
      lane.serving++;
    }
    if (waiter instanceof ExclusiveRequest) this.#borrowed.lend(connection, waiter);
    else {
      const job = waiter as StatementJob;
      const { writing } = this.#queue;
      const unjudged = writing !== undefined && lane !== writing && job.text?.readOnly !== true;
      this.#inFlight.send(job, connection, stackable ? "behind" : "alone", unjudged);
    }
    return true;
  }

  #recognize(job: StatementJob): void {
    if (job.text !== undefined) return;
    const text = this.#statistics.of(job.sql);
    if (text === undefined) return;
    job.text = text;
    // Of many equal texts, made anew for each call, one is kept.
    job.sql = text.sql;
  }

  #mayStack(waiter: Waiter, lane: Lane): boolean {
    if (waiter instanceof ExclusiveRequest) return false;
    // In the writers' lane everyone waits for the writer before them in any case.
    return lane === this.#queue.writing || mayBeStacked((waiter as StatementJob).text);
  }

  #refuseAll(error: AdbapiError): void {
    this.#queue.refuseAll(error);
    this.left();
  }

  /** It has waited for long enough, or there is no room for it to wait. */
  #giveUp(waiter: Waiter, why: string): void {
    this.timeouts++;
    const error = explainPoolTimeout(why, waiter, {
      name: this.#options.name,
      max: this.#options.max,
      connections: this.#connections,
      queue: this.#queue,
      holders: [...this.#borrowed.holders()],
    });
    this.withdraw(waiter);
    waiter.refuse(error);
  }
}
