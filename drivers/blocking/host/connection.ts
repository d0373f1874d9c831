/** A connection of a blocking driver, as the pool sees it: its thread does the work, this side keeps the order. */
import { ConnectionLost, type Outcome } from "../../../src/errors/classes.js";
import { moved } from "../../../src/transition.js";
import { endedBefore } from "../../common/lost.js";
import type {
  Cancellation,
  ConnectOptions,
  DriverConnection,
  Params,
  Result,
  RowMode,
  ScriptProgress,
  SessionState,
  Statement,
  TransactionOptions,
} from "../../driver.js";
import { fromWire, StatementCancelled } from "../errors.js";
import type { Request } from "../protocol.js";
import { executeMany, executeScript } from "./bulk.js";
import { CancelGrace } from "./cancel-grace.js";
import { Inbox, type Received, type Receiver } from "./inbox.js";
import { ownParams } from "./params.js";
import { PendingRequest } from "./pending-request.js";
import { RequestQueue } from "./request-queue.js";
import { StreamedRows, type StreamSession } from "./stream.js";
import { type Thread, threadEnded } from "./thread.js";
import { type Transaction, transactionAfter } from "./transaction-state.js";

type Life = "open" | "closing" | "broken";

const MOVES = {
  open: ["closing", "broken"],
  closing: ["broken"],
  broken: [],
} as const satisfies Record<Life, readonly Life[]>;

export class ThreadConnection implements DriverConnection, Receiver, StreamSession {
  readonly native = undefined;
  readonly id: number;
  /**
   * Fires when the thread has ended. After `destroy`, or the cancel of a statement that did not react, the thread may
   * hold the database's locks until then.
   */
  readonly ended: Promise<void>;
  readonly #thread: Thread;
  readonly #queue: RequestQueue;
  readonly #inbox: Inbox;
  readonly #grace: CancelGrace;
  readonly #onLost: (error: unknown) => void;
  #life: Life = "open";
  /** What ended it, when the pool did not. */
  #reason: ConnectionLost | undefined;
  #transaction: Transaction = "none";

  constructor(thread: Thread, { onLost }: ConnectOptions) {
    this.#thread = thread;
    this.id = thread.id;
    this.ended = thread.ended;
    this.#onLost = onLost;
    this.#queue = new RequestQueue(thread);
    this.#inbox = new Inbox(this, thread.cells);
    this.#grace = new CancelGrace(this.#queue, this.#inbox, (pending) => this.#giveThreadUp(pending));
    thread.onAnswers = (answers) => this.#inbox.take(answers);
    thread.onEnd = (error) => this.#threadEnded(error);
  }

  get state(): SessionState {
    if (this.#life !== "open") return "broken";
    if (this.inTransaction) return "in transaction";
    return this.#queue.effective > 0 ? "unknown" : "idle";
  }

  execute(statement: Statement): Promise<Result> {
    const { sql, params } = statement;
    const request: Request = ["execute", 0, this.inTransaction, sql, ownParams(params)];
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
    await this.request(["execute", 0, this.inTransaction, sql, undefined]);
  }

  async reset(): Promise<void> {
    await this.request(["reset", 0, false]);
  }

  executeMany(sql: string, listOfParams: readonly Params[], whole?: Statement) {
    return executeMany(this, sql, listOfParams, whole);
  }

  executeScript(script: Statement, progress: ScriptProgress): Promise<void> {
    return executeScript(this, script, progress);
  }

  stream(statement: Statement, batch: number): AsyncIterableIterator<unknown[]> {
    return new StreamedRows(this, statement, batch);
  }

  cancel(statement: Statement): Cancellation {
    const unsent = this.#queue.withdraw(statement);
    if (unsent !== undefined) {
      unsent.reject(new StatementCancelled());
      return { outcome: "not sent", done: Promise.resolve() };
    }
    const pending = this.#queue.sentOf(statement);
    if (pending === undefined) return { outcome: "unknown", done: Promise.resolve() };
    const caught = this.#thread.cells.cancel(pending.slot);
    if (caught === "queued") {
      this.#queue.skip(pending);
      pending.reject(new StatementCancelled());
      return { outcome: "not sent", done: Promise.resolve() };
    }
    this.#grace.start(pending);
    return {
      outcome: caught === "running" ? "not applied" : "unknown",
      done: pending.done.then(nothing, nothing),
    };
  }

  async close(): Promise<void> {
    if (this.#life === "open") {
      this.#move("closing");
      await this.#queue.settled();
      this.#thread.post("close");
    }
    await this.ended;
  }

  destroy(): void {
    const { threadBusy } = this.#queue;
    this.#break(new ConnectionLost("the connection was destroyed"));
    this.#thread.retire(threadBusy);
  }

  /** @internal */
  get inTransaction(): boolean {
    return this.#transaction !== "none";
  }

  /** @internal */
  request(request: Request, statement?: Statement): Promise<Received> {
    if (this.#life !== "open") return Promise.reject(endedBefore(this.#reason));
    const pending = new PendingRequest(request, statement);
    this.#queue.push(pending);
    return pending.done;
  }

  /** @internal */
  rowMode(): RowMode {
    return this.#queue.first?.statement?.rowMode ?? "array";
  }

  /** @internal */
  receive(received: Received): void {
    const pending = this.#queue.answered();
    if (pending === undefined) return;
    clearTimeout(pending.grace);
    const [failed, open] =
      "kind" in received ? [false, received.open] : [received[0] === "error", received[1]];
    this.#transaction = transactionAfter(this.#transaction, pending.request[0], failed, open);
    if (!("kind" in received) && received[0] === "error") pending.reject(fromWire(received[2]));
    else pending.resolve(received);
  }

  /** The cancelled statement does not react: its callers are answered, and the thread ends when the call returns. */
  #giveThreadUp(pending: PendingRequest): void {
    if (this.#thread.cells.cancel(pending.slot) !== "decided") {
      pending.reject(new StatementCancelled("the statement was cancelled, and its thread given up"));
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
    this.#move("broken");
    this.#inbox.close();
    const { sent, unsent } = this.#queue.drop();
    for (const pending of sent) {
      clearTimeout(pending.grace);
      pending.reject(lost(reason, this.#outcomeOf(pending)));
    }
    for (const pending of unsent) pending.reject(lost(reason, "not sent"));
  }

  /** After this nothing of it can be applied, unless that was decided already. */
  #outcomeOf(pending: PendingRequest): Outcome {
    const caught = this.#thread.cells.cancel(pending.slot);
    if (caught === "queued") return "not sent";
    if (caught === "decided") return "unknown";
    return "not applied";
  }

  #move(to: Life): void {
    this.#life = moved("a connection of a thread", MOVES, this.#life, to);
  }
}

function lost(reason: ConnectionLost, outcome: Outcome): ConnectionLost {
  return new ConnectionLost(reason.message, { cause: reason.cause ?? reason, outcome });
}

function nothing(): void {}
