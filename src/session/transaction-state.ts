import type { Driver, TransactionOptions } from "../../drivers/driver.js";
import { type AdbapiError, ConnectionLost, InterfaceError, TransactionAborted } from "../errors/classes.js";
import { setOutcome, withDetails } from "../errors/details.js";
import type { Outcome } from "../errors/outcome.js";
import { abortedError, type End, lostError } from "../errors/session-ended.js";
import { judged, translated } from "../pool/driver-guard.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { mayEndTransaction } from "../statement/check-sql.js";
import { illegalMove } from "../transition.js";

/**
 * - `none`: no transaction; the next statement begins one;
 * - `open`: begun;
 * - `committing`: COMMIT is on its way;
 * - `lost`: the database ended it by itself: nothing more may run, or it would be committed on its own.
 */
type State = "none" | "open" | "committing" | "lost";

const MOVES: Readonly<Record<State, readonly State[]>> = {
  none: ["open", "committing", "lost"],
  open: ["none", "committing", "lost"],
  committing: ["none", "open"],
  lost: ["none"],
};

/**
 * - `transaction`: the first statement begins one, which is the pool's to end;
 * - `connection`: the first statement begins one, which the caller may end in SQL too;
 * - `autocommit`: statements are on their own, unless the caller begins a transaction.
 */
export type TransactionMode = "transaction" | "connection" | "autocommit";

/**
 * What is known of the transaction of one session: whether it is open, and what becomes of the work in it. The server's
 * word counts for more than what the pool has sent, and is looked at after everything.
 */
export abstract class TransactionState {
  protected readonly connection: PooledConnection;
  protected readonly driver: Driver;
  protected options: TransactionOptions;
  /** Changed by `enter` and `leave` alone. */
  mode: TransactionMode;
  /** Why nothing more is sent; changed by `halt` alone. */
  halted: End | undefined;
  /**
   * Whether a part of the work may last, by a commit of the caller's own or a statement that commits: then it must not
   * be done again.
   */
  committed = false;
  /** Changed by `move` alone. */
  protected state: State = "none";
  /** The caller's own text that the server works at. */
  protected running: string | undefined;
  /** What the session said of transactions that followed each other in one statement. */
  #chained: number | undefined;
  /** The first failure that running the whole again may avoid. */
  #retryable: AdbapiError | undefined;
  /** How its connection was heard to have died. */
  #loss: ConnectionLost | undefined;

  constructor(
    connection: PooledConnection,
    driver: Driver,
    options: TransactionOptions,
    mode: TransactionMode,
  ) {
    this.connection = connection;
    this.driver = driver;
    this.options = options;
    this.mode = mode;
    this.#chained = connection.conn.chained;
  }

  /** What becomes of what was done so far, when nothing more comes. */
  get lostOutcome(): Outcome {
    if (this.autocommits || this.committed || this.state === "committing") return "unknown";
    return this.running !== undefined && mayEndTransaction(this.running) ? "unknown" : "not applied";
  }

  /** The next statement begins a transaction, the pool's to end. */
  enter(options: TransactionOptions): void {
    if (!this.autocommits) {
      throw new InterfaceError("a transaction is open already on this session: end it first");
    }
    this.options = options;
    this.mode = "transaction";
    this.committed = false;
  }

  /** After the end of that transaction: statements are on their own again. */
  leave(): void {
    this.mode = "autocommit";
  }

  /** From now on only a rollback is sent. */
  halt(error: End): void {
    this.halted ??= error;
  }

  /** Why nothing may be sent, when the database ended the transaction by itself. */
  lost(): AdbapiError | undefined {
    if (this.state !== "lost") return undefined;
    if (this.connection.session !== "broken") return abortedError(this.#retryable);
    return lostError(this.#loss, this.committed ? "unknown" : "not applied");
  }

  /** What something of this transaction failed with, as an error that says what is known of it. */
  failure(
    reason: unknown,
    { sql, params }: { readonly sql: string; readonly params?: unknown },
  ): AdbapiError {
    let error = translated(this.driver, reason, sql, params);
    if (isRollback(error)) error = this.#explained(error);
    // What stands alone is not undone with anything else, and a rollback says itself what it has undone.
    const saysItself = this.autocommits || (isRollback(error) && !this.committed);
    withDetails(error, { sql, params, outcome: saysItself ? undefined : this.lostOutcome });
    // It was not sent, but what came before it was: as a whole that is undone, or lasts in part.
    const whole = this.state === "open" || (this.mode !== "autocommit" && this.committed);
    if (whole && error instanceof ConnectionLost) setOutcome(error, this.lostOutcome);
    this.#note(error);
    return error;
  }

  /** On some databases a statement can end the transaction: what comes after it would be committed on its own. */
  look(failure?: AdbapiError): void {
    const { session, conn } = this.connection;
    const { chained } = conn;
    const followed = chained !== this.#chained;
    this.#chained = chained;
    if (followed) this.committed = true;
    if (this.state === "open" && followed && this.mode === "transaction") this.move("lost");
    else if (this.state === "open" && (session === "idle" || session === "broken")) {
      // A deadlock undid it; anything else that ended it may have committed.
      const undone = failure?.retryable === true || (failure !== undefined && isRollback(failure));
      if (session === "idle" ? !undone : this.lostOutcome === "unknown") this.committed = true;
      this.move(this.mode !== "transaction" && session === "idle" ? "none" : "lost");
    } else if (this.state === "none" && session === "in transaction") this.move("open");
  }

  /** Whether a statement would stand alone. */
  protected get autocommits(): boolean {
    return this.mode === "autocommit" && this.state === "none";
  }

  /** Whether BEGIN is due with this text. */
  protected beginsWith(sql: string): boolean {
    if (this.state === "open" || this.mode === "autocommit") return false;
    return this.mode === "transaction" || !judged(this.driver, "outsideTransaction", sql);
  }

  /** The work since a savepoint is undone, and what failed in it counts no more. */
  protected undone(): void {
    this.#retryable = undefined;
  }

  /** What COMMIT failed with, completed. */
  protected commitFailed(reason: unknown): AdbapiError {
    const error = translated(this.driver, reason);
    if (error instanceof TransactionAborted) return withDetails(this.#explained(error), { sql: "COMMIT" });
    this.#note(error);
    if (error instanceof ConnectionLost) {
      // Sent and not answered: it may have been done. Never called "not applied", never sent again.
      this.committed ||= error.outcome !== "not sent";
      setOutcome(error, this.committed ? "unknown" : "not applied");
    }
    return withDetails(error, { sql: "COMMIT" });
  }

  protected move(to: State): void {
    if (to === this.state) return;
    if (!MOVES[this.state].includes(to)) throw illegalMove("a transaction", this.state, to);
    this.state = to;
  }

  #note(error: AdbapiError): void {
    if (error.retryable) this.#retryable ??= error;
    if (error instanceof ConnectionLost) this.#loss ??= error;
  }

  /** A rollback of the database's own, with the failure that led to it: the caller's function may have caught that. */
  #explained(error: TransactionAborted): TransactionAborted {
    const { message, outcome } = error;
    const cause = this.#retryable;
    return cause === undefined ? error : new TransactionAborted(message, { retryable: true, cause, outcome });
  }
}

/** The database says that it rolled back what it was to commit. */
function isRollback(error: AdbapiError): error is TransactionAborted {
  return error instanceof TransactionAborted && error.outcome === "not applied";
}
