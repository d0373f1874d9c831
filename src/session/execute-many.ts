import type { Params, Statement } from "../../drivers/driver.js";
import { statementTimeout } from "../errors/given-up.js";
import type { End } from "../errors/session-ended.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { ImplicitTransaction } from "./implicit-transaction.js";
import type { SessionTask, TaskTimeout } from "./session-task.js";

/** Lists of params between which it can be left. */
const PORTION = 8_000;

/**
 * One text with many params, as a single piece of a session's work: the first failure ends it, and it can be left on
 * the way.
 */
export class ExecuteMany {
  readonly #connection: PooledConnection;
  readonly #transaction: ImplicitTransaction;
  readonly #whole: Statement;
  readonly #listOfParams: readonly Params[];
  #stopped: End | undefined;

  constructor(
    connection: PooledConnection,
    transaction: ImplicitTransaction,
    sql: string,
    listOfParams: readonly Params[],
  ) {
    this.#connection = connection;
    this.#transaction = transaction;
    this.#whole = { sql, params: undefined, rowMode: "array" };
    this.#listOfParams = listOfParams;
  }

  /** When its time ends, a part of it may be done, and lasts if its caller commits all the same. */
  get timeout(): TaskTimeout {
    const { sql } = this.#whole;
    return {
      outcome: "unknown",
      error: (timeoutMillis, outcome) => statementTimeout(timeoutMillis, outcome, sql),
    };
  }

  /** Fires with the sum of the rows affected. */
  async run(task: SessionTask<{ rowCount: number }>): Promise<{ rowCount: number }> {
    task.restart();
    await this.#transaction.begin();
    if (task.givenUp !== undefined) throw task.givenUp;
    task.whenGivenUp = (error) => this.#stop(error);
    try {
      return { rowCount: await this.#sendAll() };
    } catch (error) {
      throw this.#stopped ?? error;
    } finally {
      task.whenGivenUp = undefined;
    }
  }

  async #sendAll(): Promise<number> {
    const size = this.#connection.conn.executeMany === undefined ? 1 : PORTION;
    const all = this.#listOfParams;
    let rowCount = 0;
    for (let from = 0; from < all.length && this.#stopped === undefined; from += size) {
      const lost = this.#transaction.lost();
      if (lost !== undefined) throw lost;
      rowCount += await this.#send(all.slice(from, from + size));
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    return rowCount;
  }

  /** Called once at most, while it runs. */
  #stop(error: End): void {
    this.#stopped = error;
    this.#connection.cancellations.stop(this.#whole);
  }

  async #send(portion: readonly Params[]): Promise<number> {
    const { sql } = this.#whole;
    const { rowCount } = await this.#transaction.sent<{ readonly rowCount: number }>(
      sql,
      (conn) =>
        conn.executeMany?.(sql, portion, this.#whole) ?? conn.execute({ ...this.#whole, params: portion[0] }),
      portion,
    );
    return rowCount;
  }
}
