import type {
  Driver,
  DriverConnection,
  Result,
  Statement,
  TransactionOptions,
} from "../../drivers/driver.js";
import { type AdbapiError, OperationalError } from "../errors/classes.js";
import type { Outcome } from "../errors/outcome.js";
import { Unsent } from "../errors/session-ended.js";
import { cancelledBy } from "../pool/driver-guard.js";
import type { EventLog } from "../pool/event-log.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import { within } from "../timeouts/deadline.js";
import { SETTLE_MILLIS } from "../timeouts/settle-limit.js";
import { type TransactionMode, TransactionState } from "./transaction-state.js";

/** How a statement ended; `cancelled` is what the driver knows when the error is the server's answer to a cancel. */
export type StatementEnd =
  | { readonly result: Result; readonly failure?: undefined }
  | { readonly failure: AdbapiError; readonly cancelled: Outcome | undefined };

/** A statement of the caller's that may be given up while BEGIN is on its way. */
interface CallersStatement extends Statement {
  readonly givenUp: boolean;
}

/**
 * The transaction of one session, which its first statement begins: what is sent in it, and how it ends. Only one thing
 * is sent at a time.
 */
export class ImplicitTransaction extends TransactionState {
  readonly #events: EventLog;
  #savepoints = 0;

  constructor(
    connection: PooledConnection,
    driver: Driver,
    events: EventLog,
    options: TransactionOptions,
    mode: TransactionMode,
  ) {
    super(connection, driver, options, mode);
    this.#events = events;
  }

  /** A transaction is open after it, where statements have one. */
  async begin(): Promise<void> {
    const refusal = this.halted ?? this.lost();
    if (refusal !== undefined) throw refusal;
    if (this.state === "open" || this.mode === "autocommit") return;
    await this.sent("BEGIN", (conn) => conn.begin(this.options));
    this.move("open");
  }

  /** A statement of the caller's, behind BEGIN, or together with it, where that is due. Never rejects. */
  async execute(statement: CallersStatement): Promise<StatementEnd> {
    const { sql } = statement;
    const { conn } = this.connection;
    const begins = this.beginsWith(sql);
    this.running = sql;
    let end: StatementEnd;
    try {
      if (begins && conn.beginWith === undefined) {
        await this.#ask(() => conn.begin(this.options));
        this.move("open");
        // Cancelled, or out of time, while BEGIN was on its way.
        if (statement.givenUp) throw new Unsent("given up before it was sent");
      }
      const together = begins && conn.beginWith !== undefined;
      const result = await this.#ask(() =>
        together ? conn.beginWith!(this.options, statement) : conn.execute(statement),
      );
      if (together) this.move("open");
      end = { result };
    } catch (reason) {
      const cancelled = reason instanceof Unsent ? "not sent" : cancelledBy(this.driver, reason, sql);
      end = { failure: this.failure(reason, statement), cancelled };
    }
    this.look(end.failure);
    // BEGIN failed, or its first statement ended the transaction: a function that swallows that must not seem to have
    // committed.
    if (end.failure !== undefined && this.state === "none" && this.mode === "transaction") this.move("lost");
    this.running = undefined;
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
      return await this.#ask(() => send(this.connection.conn));
    } catch (reason) {
      throw this.failure(reason, { sql, params });
    } finally {
      this.look();
    }
  }

  /** The same, with a text of the caller's own that may end the transaction. */
  async sentText<T>(sql: string, send: (conn: DriverConnection) => Promise<T>): Promise<T> {
    this.running = sql;
    try {
      return await this.sent(sql, send);
    } finally {
      this.running = undefined;
    }
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
    if (this.state !== "open" || this.halted !== undefined) return;
    const { cancellations } = this.connection;
    cancellations.limit();
    try {
      await this.run(`ROLLBACK TO SAVEPOINT ${name}`);
      this.undone();
    } catch (error) {
      this.#events.rollbackFailed(error);
      this.move("lost");
    }
    cancellations.relieve();
  }

  /** Fires only when the transaction, if there was one, is committed. */
  async commit(): Promise<void> {
    const lost = this.lost();
    if (lost !== undefined) throw lost;
    const before = this.state;
    const connection = this.connection;
    if (before === "none" && (this.mode === "transaction" || connection.session !== "in transaction")) return;
    this.move("committing");
    try {
      await this.#ask(() => connection.conn.commit());
      this.move("none");
      this.committed = true;
    } catch (reason) {
      // Where the server ended the transaction with its refusal, the caller's next statement begins another: without
      // BEGIN it would be committed on its own.
      this.move(this.mode !== "transaction" && connection.session === "idle" ? "none" : before);
      throw this.commitFailed(reason);
    }
  }

  /** Ends the transaction, if one may be open. Never rejects: a session that cannot be rolled back is destroyed. */
  async rollback(why: unknown): Promise<void> {
    const connection = this.connection;
    if (connection.session !== "idle" && connection.session !== "broken") {
      const late = () => new OperationalError(`ROLLBACK had no answer in ${SETTLE_MILLIS} ms`);
      try {
        await within(connection.conn.rollback(), SETTLE_MILLIS, late);
        this.#events.rolledBack(why);
      } catch (error) {
        this.#events.rollbackFailed(error);
        connection.destroy();
      }
    }
    this.move("none");
  }

  /** A driver that throws has rejected; one that never answers has lost what was asked of a destroyed session. */
  #ask<T>(send: () => Promise<T>): Promise<T> {
    const connection = this.connection;
    return new Promise<T>((resolve, reject) => {
      connection.unanswered = reject;
      const answer = (value: T) => {
        connection.unanswered = undefined;
        resolve(value);
      };
      const fail = (reason: unknown) => {
        connection.unanswered = undefined;
        reject(reason);
      };
      try {
        Promise.resolve(send()).then(answer, fail);
      } catch (reason) {
        fail(reason);
      }
    });
  }
}
