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
import { ProcessHold } from "./process-hold.js";
import { ExclusiveRequest, Queue } from "./queue.js";
import { Refusals } from "./refusals.js";

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
  readonly #refusals: Refusals;
  #state: "open" | "closing" = "open";
  /** Waiters are numbered in the order asked, whether they have to wait or not. */
  #tickets = 0;
  #whenDrained: (() => void) | undefined;
  readonly hold = new ProcessHold();

  constructor(driver: Driver, options: ResolvedOptions, connections: Connections, origin: Origin) {
    this.#driver = driver;
    this.#options = options;
    this.#connections = connections;
    this.#statistics = new TextStatistics((sql) => judged(driver, "stackable", sql));
    this.#queue = new Queue(driver.singleWriter === true, options.acquireTimeoutMillis, (waiter) =>
      this.#refusals.tooLate(waiter),
    );
    this.#borrowed = new Borrowed(connections, origin, this);
    this.#refusals = new Refusals(options, connections, this.#queue, this.#borrowed, () => this.left());
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

  /** Waiters that were refused since no connection came free. */
  get timeouts(): number {
    return this.#refusals.timeouts;
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

  /** Something left the connection, or it has come back: what is first on it? With nothing to do it lingers. */
  arrived(connection: PooledConnection): void {
    this.serve();
    if (connection.lane === undefined && connection.state === "shared") this.#borrowed.linger(connection);
  }

  /** One was given back, or is gone. */
  left(): void {
    const { carrying, lent } = this.#borrowed;
    if (carrying.size > 0 || lent.size > 0 || this.waiting > 0) return;
    this.hold.working = false;
    this.#whenDrained?.();
  }

  connectFailed(error: AdbapiError): void {
    this.#refusals.connectFailed(error);
  }

  databaseLost(error: AdbapiError): void {
    this.#refusals.databaseLost(error);
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
    this.#refusals.refuseAll(error);
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
    if (this.#refusals.untold !== undefined) {
      waiter.refuse(this.#refusals.tell());
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
    if (!this.#refusals.tooMany(waiter)) lane.guard(waiter);
  }

  /** Asks for the connections that could serve what waits. */
  #ask(): void {
    const { main, writing } = this.#queue;
    let wanted = main.length;
    if (writing !== undefined) wanted += Math.min(writing.length, writing.limit - writing.serving);
    this.#connections.want(wanted);
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
    const stackable = this.#mayStack(waiter, lane);
    const connection = this.#borrowed.claim(lane, length, stackable);
    if (connection === undefined) return false;
    if (waiter.line === undefined) this.hold.working = true;
    else lane.remove(waiter);
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
}
