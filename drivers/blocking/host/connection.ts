/** A connection of a blocking driver, as the pool sees it: its thread does the work, this side keeps the order. */

import { ConnectionLost, type Outcome } from "../../../src/errors/classes.js";
import { setImmediate } from "../../../src/timeouts/turn.js";
import { endedBefore } from "../../common/lost.js";
import type {
  Cancellation,
  ConnectOptions,
  DriverConnection,
  Params,
  Result,
  RowMode,
  SessionState,
  Statement,
  TransactionOptions,
} from "../../driver.js";
import { fromWire, StatementCancelled } from "../errors.js";
import type { Request } from "../protocol.js";
import { packRequests } from "../requests.js";
import { Inbox, type Received, type Receiver } from "./inbox.js";
import { ownParams } from "./params.js";
import { Work } from "./pending-request.js";
import { StreamedRows } from "./stream.js";
import { type Thread, threadEnded } from "./thread.js";
import { type Transaction, transactionAfter } from "./transaction-state.js";

/** How long a cancelled statement may take to stop by itself before its thread is given up. */
const GRACE_MILLIS = 50;

/** The same when others are in the thread, who would lose their answers with it: a busy machine may run it late. */
const SHARED_GRACE_MILLIS = 250;

/** Lists of params that travel as one message. */
const MANY = 1_000;

export class ThreadConnection implements DriverConnection, Receiver {
  readonly native = undefined;
  readonly id: number;
  /**
   * Fires when the thread has ended; after `destroy`, or a cancel that found it deaf, it may still hold the database's
   * locks until then.
   */
  readonly ended: Promise<void>;
  readonly #thread: Thread;
  readonly #inbox: Inbox;
  readonly #onLost: (error: unknown) => void;
  #life: "open" | "closing" | "broken" = "open";
  /** What ended it, when the pool did not. */
  #reason: ConnectionLost | undefined;
  #transaction: Transaction = "none";
  #passedOver = 0;
  /** Asked for, not sent yet: leaves at the end of this tick, as one message. */
  readonly #outbox: Work[] = [];
  readonly #inFlight: Work[] = [];
  #flushing = false;
  #slot = 0;

  constructor(thread: Thread, { onLost }: ConnectOptions) {
    this.#thread = thread;
    this.id = thread.id;
    this.ended = thread.ended;
    this.#onLost = onLost;
    this.#inbox = new Inbox(this, thread.cells);
    thread.onAnswers = (answers) => this.#inbox.take(answers);
    thread.onEnd = (error) => this.#threadEnded(error);
  }

  get state(): SessionState {
    if (this.#life !== "open") return "broken";
    if (this.#transaction !== "none") return "in transaction";
    // What will be passed over does nothing to the session.
    return this.#inFlight.length - this.#passedOver + this.#outbox.length > 0 ? "unknown" : "idle";
  }

  execute(statement: Statement): Promise<Result> {
    const { sql, params } = statement;
    const request: Request = ["execute", 0, this.#inTransaction, sql, ownParams(params)];
    // What is executed is answered with a result or an error, never with "done"; one promise more would cost as much as
    // the rest here.
    return this.request(request, statement) as Promise<Received & Result>;
  }

  async executeRead(statement: Statement): Promise<Result | undefined> {
    const { sql, params } = statement;
    const received = await this.request(["read", 0, false, sql, ownParams(params)], statement);
    return "kind" in received ? received : undefined;
  }

  async begin(options: TransactionOptions): Promise<void> {
    this.#transaction = "asked";
    await this.request(["begin", 0, true, options]);
  }

  async beginWith(options: TransactionOptions, statement: Statement): Promise<Result> {
    const settled = await Promise.allSettled([this.begin(options), this.execute(statement)]);
    const failed = settled.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return (settled[1] as PromiseFulfilledResult<Result>).value;
  }

  async commit(): Promise<void> {
    await this.request(["commit", 0, true]);
  }

  async rollback(): Promise<void> {
    await this.request(["rollback", 0, true]);
  }

  async ping(sql: string): Promise<void> {
    await this.request(["execute", 0, this.#inTransaction, sql, undefined]);
  }

  async reset(): Promise<void> {
    await this.request(["reset", 0, false]);
  }

  async executeMany(
    sql: string,
    listOfParams: readonly Params[],
    whole?: Statement,
  ): Promise<{ readonly rowCount: number }> {
    let rowCount = 0;
    for (let from = 0; from < listOfParams.length; from += MANY) {
      const slice = listOfParams.slice(from, from + MANY).map((params) => ownParams(params)!);
      rowCount += asResult(await this.request(["many", 0, true, sql, slice], whole)).rowCount;
    }
    return { rowCount };
  }

  stream(statement: Statement, batch: number): AsyncIterableIterator<unknown[]> {
    return new StreamedRows(this, statement, batch);
  }

  cancel(statement: Statement): Cancellation {
    const unsent = this.#outbox.findIndex((work) => work.statement === statement);
    if (unsent >= 0) {
      const [work] = this.#outbox.splice(unsent, 1);
      work!.reject(new StatementCancelled());
      return { outcome: "not sent", done: Promise.resolve() };
    }
    const work = this.#inFlight.find((one) => one.statement === statement);
    if (work === undefined) return { outcome: "unknown", done: Promise.resolve() };
    const caught = this.#thread.cells.cancel(work.slot);
    if (caught === "queued") {
      if (!work.passedOver) this.#passedOver++;
      work.passedOver = true;
      work.reject(new StatementCancelled());
      return { outcome: "not sent", done: Promise.resolve() };
    }
    if (work.grace === undefined) this.#giveGrace(work);
    return {
      outcome: caught === "running" ? "not applied" : "unknown",
      done: work.done.then(nothing, nothing),
    };
  }

  async close(): Promise<void> {
    if (this.#life === "open") {
      this.#life = "closing";
      await Promise.allSettled([...this.#inFlight, ...this.#outbox].map((work) => work.done));
      this.#thread.post("close");
    }
    await this.ended;
  }

  destroy(): void {
    const busy = this.#inFlight.length > 0;
    this.#break(new ConnectionLost("the connection was destroyed"));
    this.#thread.retire(busy);
  }

  /** @internal */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** @internal */
  request(request: Request, statement?: Statement): Promise<Received> {
    if (this.#life !== "open") {
      return Promise.reject(endedBefore(this.#reason));
    }
    const work = new Work(request, statement);
    this.#outbox.push(work);
    this.#flushSoon();
    return work.done;
  }

  rowMode(): RowMode {
    return this.#inFlight[0]?.statement?.rowMode ?? "array";
  }

  receive(received: Received): void {
    const work = this.#inFlight.shift();
    if (work === undefined) return;
    if (work.passedOver) this.#passedOver--;
    clearTimeout(work.grace);
    const [failed, open] =
      "kind" in received ? [false, received.open] : [received[0] === "error", received[1]];
    this.#transaction = transactionAfter(this.#transaction, work.request[0], failed, open);
    if (!("kind" in received) && received[0] === "error") work.reject(fromWire(received[2]));
    else work.resolve(received);
    if (this.#outbox.length > 0) this.#flushSoon();
  }

  get #inTransaction(): boolean {
    return this.#transaction !== "none";
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    const room = this.#thread.cells.slots - this.#inFlight.length;
    const leaving = this.#outbox.splice(0, room);
    if (leaving.length === 0) return;
    const slot = this.#slot;
    try {
      for (const work of leaving) this.#place(work);
      const requests = leaving.map(({ request }) => request);
      this.#thread.post(packRequests(requests, this.#thread.cells.slots));
      this.#inFlight.push(...leaving);
    } catch {
      this.#slot = slot;
      this.#postEach(leaving);
    }
  };

  /**
   * Something in the message cannot be cloned: only that request fails. No slot may be lost, or two would share one.
   */
  #postEach(leaving: readonly Work[]): void {
    for (const work of leaving) {
      const slot = this.#slot;
      try {
        this.#place(work);
        this.#thread.post([work.request]);
        this.#inFlight.push(work);
      } catch (error) {
        this.#slot = slot;
        work.reject(error);
      }
    }
  }

  #place({ request }: Work): void {
    this.#slot = (this.#slot + 1) % this.#thread.cells.slots;
    this.#thread.cells.queue(this.#slot);
    request[1] = this.#slot;
  }

  /** In short pieces: of a time in which this side did not run, one piece counts. */
  #giveGrace(work: Work, given = 0): void {
    const over = () => this.#graceOver(work, given + GRACE_MILLIS);
    // When this side is late, the answer may lie in the port: the turn in between takes it.
    work.grace = setTimeout(() => setImmediate(over), GRACE_MILLIS);
  }

  #graceOver(work: Work, given: number): void {
    if (!this.#inFlight.includes(work)) return;
    const shared = this.#inFlight.length + this.#outbox.length > 1;
    if (this.#inbox.busy || (shared && given < SHARED_GRACE_MILLIS)) this.#giveGrace(work, given);
    else this.#retire(work);
  }

  /** The statement is deaf: its callers are answered, and the thread ends when the call returns. */
  #retire(work: Work): void {
    if (this.#thread.cells.cancel(work.slot) === "running") {
      work.reject(new StatementCancelled("the statement was cancelled, and its thread given up"));
    }
    const givenUp = new ConnectionLost(
      "the thread of the connection was given up, inside a cancelled statement",
    );
    this.#reason ??= givenUp;
    this.#break(givenUp);
    this.#thread.retire(true);
  }

  #threadEnded(error: unknown): void {
    const died = this.#life === "open";
    const lost = threadEnded(error);
    if (died) this.#reason = lost;
    this.#break(lost);
    if (died) this.#onLost(lost);
  }

  #break(reason: ConnectionLost): void {
    if (this.#life === "broken") return;
    this.#life = "broken";
    this.#inbox.close();
    for (const work of this.#inFlight.splice(0)) {
      clearTimeout(work.grace);
      work.reject(lost(reason, this.#outcomeOf(work)));
    }
    for (const work of this.#outbox.splice(0)) work.reject(lost(reason, "not sent"));
  }

  /** After this nothing of it can be applied, unless that was decided already. */
  #outcomeOf(work: Work): Outcome {
    const caught = this.#thread.cells.cancel(work.slot);
    if (caught === "queued") return "not sent";
    if (caught === "decided") return "unknown";
    return "not applied";
  }
}

function asResult(received: Received): Result {
  if ("kind" in received) return received;
  return { rows: [], rowCount: 0, lastInsertId: undefined, columns: [] };
}

function lost(reason: ConnectionLost, outcome: Outcome): ConnectionLost {
  return new ConnectionLost(reason.message, { cause: reason.cause ?? reason, outcome });
}

function nothing(): void {}
