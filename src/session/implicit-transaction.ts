import type {
  Driver,
  DriverConnection,
  Result,
  Statement,
  TransactionOptions,
} from "../../drivers/driver.js";
import {
  type AdbapiError,
  ConnectionLost,
  InterfaceError,
  OperationalError,
  type Outcome,
  TransactionAborted,
} from "../errors/classes.js";
import { setOutcome, withDetails } from "../errors/details.js";
import { abortedError, type End, lostError, Unsent } from "../errors/session-ended.js";
import { cancelledBy, judged, translated } from "../pool/driver-guard.js";
import type { EventLog } from "../pool/event-log.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { mayEndTransaction } from "../statement/check-sql.js";
import { within } from "../timeouts/deadline.js";
import { moved } from "../transition.js";

/** The longest that the server may take to roll back; then the connection is destroyed. */
const ROLLBACK_MILLIS = 5_000;

/**
 * - `none`: no transaction; the next statement begins one;
 * - `open`: begun;
 * - `lost`: the database ended it under us: nothing more may run, or it would be committed on its own.
 */
type TransactionState = "none" | "open" | "lost";

const MOVES = {
  none: ["open", "lost"],
  open: ["none", "lost"],
  lost: ["none"],
} as const satisfies Record<TransactionState, readonly TransactionState[]>;

/**
 * - `transaction`: the first statement begins one, which is the pool's to end;
 * - `connection`: the first statement begins one, which the caller may end in SQL too;
 * - `autocommit`: statements are on their own, unless the caller begins a transaction.
 */
export type TransactionMode = "transaction" | "connection" | "autocommit";

/** How a statement ended; `cancelled` is what the driver knows when the error is the server's answer to a cancel. */
export type StatementEnd =
  | { readonly result: Result; readonly failure?: undefined }
  | { readonly failure: AdbapiError; readonly cancelled: Outcome | undefined };

/**
 * The transaction of one session, which its first statement begins: whether it is open, how it ends, and what is known
 * of the work in it. It trusts the server's word over its own, and looks at that after everything it has sent. Only one
 * thing is sent at a time.
 */
export class ImplicitTransaction {
  readonly #lease: PooledConnection;
  readonly #driver: Driver;
  readonly #events: EventLog;
  #options: TransactionOptions;
  #mode: TransactionMode;
  #state: TransactionState = "none";
  #halted: End | undefined;
  /** The caller's own text that the server works at. */
  #running: string | undefined;
  #committing = false;
  #committed = false;
  /** What the session said of transactions that followed each other in one statement. */
  #chained: number | undefined;
  /** The first failure that running the whole again may avoid. */
  #retryable: AdbapiError | undefined;
  /** How its connection was heard to have died. */
  #loss: ConnectionLost | undefined;
  #savepoints = 0;

  constructor(
    lease: PooledConnection,
    driver: Driver,
    events: EventLog,
    options: TransactionOptions,
    mode: TransactionMode,
  ) {
    this.#lease = lease;
    this.#chained = lease.conn.chained;
    this.#driver = driver;
    this.#events = events;
    this.#options = options;
    this.#mode = mode;
  }

  get mode(): TransactionMode {
    return this.#mode;
  }

  /**
   * Whether a part of the work may last, by a commit of the caller's own or a statement that commits: then it must not
   * be done again.
   */
  get committed(): boolean {
    return this.#committed;
  }

  /** Why nothing more is sent. */
  get halted(): End | undefined {
    return this.#halted;
  }

  /** What becomes of what was done so far, when nothing more comes. */
  get lostOutcome(): Outcome {
    if (this.#mode === "autocommit" && this.#state === "none") return "unknown";
    const running = this.#running;
    return this.#committed || this.#committing || (running !== undefined && mayEndTransaction(running))
      ? "unknown"
      : "not applied";
  }

  /** The next statement begins a transaction, the pool's to end. */
  enter(options: TransactionOptions): void {
    if (this.#state !== "none" || this.#mode !== "autocommit") {
      throw new InterfaceError("a transaction is open already on this session: end it first");
    }
    this.#options = options;
    this.#mode = "transaction";
    this.#committed = false;
  }

  /** After the end of that transaction: statements are on their own again. */
  leave(): void {
    this.#mode = "autocommit";
  }

  /** From now on only a rollback is sent. */
  halt(error: End): void {
    this.#halted ??= error;
  }

  /** Why nothing may be sent, when the database ended it under us. */
  lost(): AdbapiError | undefined {
    if (this.#state !== "lost") return undefined;
    if (this.#lease.session !== "broken") return abortedError(this.#retryable);
    return lostError(this.#loss, this.#committed ? "unknown" : "not applied");
  }

  /** A transaction is open after it, where statements have one. */
  async begin(): Promise<void> {
    const refusal = this.#halted ?? this.lost();
    if (refusal !== undefined) throw refusal;
    if (this.#state === "open" || this.#mode === "autocommit") return;
    await this.sent("BEGIN", (conn) => conn.begin(this.#options));
    this.#move("open");
  }

  /**
   * A statement of the caller's, behind BEGIN where that is due; `wanted` is asked again when BEGIN went ahead of it.
   * Never rejects.
   */
  async execute(statement: Statement, wanted: () => boolean): Promise<StatementEnd> {
    const { sql, params } = statement;
    this.#running = sql;
    let end: StatementEnd;
    try {
      end = { result: await this.#begunWith(statement, wanted) };
    } catch (reason) {
      const cancelled = reason instanceof Unsent ? "not sent" : cancelledBy(this.#driver, reason, sql);
      const failure = this.failure(reason, { sql, params });
      end = { failure, cancelled };
    }
    this.look(end.failure);
    // BEGIN failed, or its first statement ended the transaction: a function that swallows that must not seem to have
    // committed.
    if (end.failure !== undefined && this.#state === "none" && this.#mode === "transaction")
      this.#move("lost");
    this.#running = undefined;
    return end;
  }

  /** The library's own SQL. */
  async run(sql: string): Promise<Result> {
    await this.begin();
    return this.sent(sql, (conn) => conn.execute({ sql, params: undefined, rowMode: "object" }));
  }

  /**
   * Has something sent in it, waits for the answer, and completes what that fails with; `params` are what must not show
   * in that.
   */
  async sent<T>(sql: string, send: (conn: DriverConnection) => Promise<T>, params?: unknown): Promise<T> {
    try {
      return await this.#ask(send);
    } catch (reason) {
      throw this.failure(reason, { sql, params });
    } finally {
      this.look();
    }
  }

  /** What something of this transaction failed with, as an error that says what is known of it. */
  failure(reason: unknown, statement: { readonly sql: string; readonly params?: unknown }): AdbapiError {
    let error = translated(this.#driver, reason, statement.sql);
    if (isRollback(error)) error = this.#undoneBy(error);
    withDetails(error, { ...statement, outcome: this.#outcomeOf(error) });
    // It was not sent, but what came before it was: as a whole that is undone, or lasts in part.
    const whole = this.#state === "open" || (this.#mode !== "autocommit" && this.#committed);
    if (whole && error instanceof ConnectionLost) setOutcome(error, this.lostOutcome);
    this.#note(error);
    return error;
  }

  /** On some databases a statement can end the transaction: what comes after it would be committed on its own. */
  look(failure?: AdbapiError): void {
    const { session: state, conn } = this.#lease;
    const followed = conn.chained !== this.#chained;
    this.#chained = conn.chained;
    if (followed) this.#committed = true;
    if (this.#state === "open" && followed && this.#mode === "transaction") this.#move("lost");
    else if (this.#state === "open" && (state === "idle" || state === "broken")) {
      // A deadlock undid it; anything else that ended it may have committed.
      const undone = failure?.retryable === true || (failure !== undefined && isRollback(failure));
      if (state === "idle" ? !undone : this.lostOutcome === "unknown") this.#committed = true;
      this.#move(this.#mode !== "transaction" && state === "idle" ? "none" : "lost");
    } else if (this.#state === "none" && state === "in transaction") this.#move("open");
  }

  /** Fires with the name of a new savepoint. */
  async savepoint(): Promise<string> {
    this.#savepoints++;
    const name = `adbapi_${this.#savepoints}`;
    await this.run(`SAVEPOINT ${name}`);
    return name;
  }

  /**
   * Undoes what came after the savepoint. Never rejects: if it cannot be done, the transaction is not committed either.
   */
  async rollbackTo(name: string): Promise<void> {
    if (this.#state !== "open" || this.#halted !== undefined) return;
    const { cancellations } = this.#lease;
    cancellations.limit();
    try {
      await this.run(`ROLLBACK TO SAVEPOINT ${name}`);
      this.#retryable = undefined;
    } catch (error) {
      this.#events.rollbackFailed(error);
      this.#move("lost");
    }
    cancellations.relieve();
  }

  /** Fires only when the transaction, if there was one, is committed. */
  async commit(): Promise<void> {
    const lost = this.lost();
    if (lost !== undefined) throw lost;
    const open =
      this.#state === "open" || (this.#mode !== "transaction" && this.#lease.session === "in transaction");
    if (!open) return;
    this.#committing = true;
    try {
      await this.#ask((conn) => conn.commit());
      this.#move("none");
      this.#committed = true;
    } catch (reason) {
      throw this.#commitFailed(translated(this.#driver, reason));
    } finally {
      this.#committing = false;
    }
  }

  /** Ends the transaction, if one may be open. Never rejects: a session that cannot be rolled back is destroyed. */
  async rollback(why: unknown): Promise<void> {
    const lease = this.#lease;
    if (lease.session !== "idle" && lease.session !== "broken") {
      const late = () => new OperationalError(`ROLLBACK had no answer in ${ROLLBACK_MILLIS} ms`);
      try {
        await within(lease.conn.rollback(), ROLLBACK_MILLIS, late);
        this.#events.rolledBack(why);
      } catch (error) {
        this.#events.rollbackFailed(error);
        lease.destroy();
      }
    }
    this.#move("none");
  }

  async #begunWith(statement: Statement, wanted: () => boolean): Promise<Result> {
    const execute = (conn: DriverConnection) => conn.execute(statement);
    if (this.#state === "open" || this.#mode === "autocommit") return this.#ask(execute);
    if (this.#mode === "connection" && judged(this.#driver, "outsideTransaction", statement.sql))
      return this.#ask(execute);
    if (this.#lease.conn.beginWith !== undefined) {
      const result = await this.#ask((conn) => conn.beginWith!(this.#options, statement));
      this.#move("open");
      return result;
    }
    await this.#ask((conn) => conn.begin(this.#options));
    this.#move("open");
    if (!wanted()) throw new Unsent("given up before it was sent");
    return this.#ask(execute);
  }

  /** A driver that throws has rejected; one that never answers has lost what was asked of a destroyed session. */
  #ask<T>(send: (conn: DriverConnection) => Promise<T>): Promise<T> {
    try {
      return this.#lease.bounded(send(this.#lease.conn));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #commitFailed(error: AdbapiError): AdbapiError {
    if (error instanceof TransactionAborted) return withDetails(this.#undoneBy(error), { sql: "COMMIT" });
    this.#note(error);
    if (error instanceof ConnectionLost) {
      // Sent and not answered: it may have been done. Never called "not applied", never sent again.
      this.#committed ||= error.outcome !== "not sent";
      setOutcome(error, this.#committed ? "unknown" : "not applied");
    }
    return withDetails(error, { sql: "COMMIT" });
  }

  /** What becomes of all of it; undefined where the error says it. */
  #outcomeOf(error: AdbapiError): Outcome | undefined {
    // On its own: it is not undone with others.
    if (this.#mode === "autocommit" && this.#state === "none") return undefined;
    return isRollback(error) && !this.#committed ? undefined : this.lostOutcome;
  }

  /** The failure that somebody swallowed is why. */
  #undoneBy(error: TransactionAborted): TransactionAborted {
    const { message, outcome } = error;
    const cause = this.#retryable;
    return cause === undefined ? error : new TransactionAborted(message, { retryable: true, cause, outcome });
  }

  #note(error: AdbapiError): void {
    if (error.retryable) this.#retryable ??= error;
    if (error instanceof ConnectionLost) this.#loss ??= error;
  }

  #move(to: TransactionState): void {
    if (to === this.#state) return;
    this.#state = moved("a transaction", MOVES, this.#state, to);
  }
}

/** The database says that it rolled back what it was to commit. */
function isRollback(error: AdbapiError): error is TransactionAborted {
  return error instanceof TransactionAborted && error.outcome === "not applied";
}
