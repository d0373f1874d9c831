import type { Params, Statement } from "../../drivers/driver.js";
import type { End } from "../errors/session-ended.js";
import { statementTimeout } from "../errors/timeouts.js";
import type { PooledConnection } from "../pool/pooled-connection.js";
import type { ImplicitTransaction } from "./implicit-transaction.js";
import type { StepHooks } from "./step.js";

/** Lists of params between which it can be left. */
const PORTION = 8_000;

/**
 * One text with many params, as a single piece of a session's work: the first failure ends it, and it can be left on
 * the way.
 */
export class Bulk {
  readonly #lease: PooledConnection;
  readonly #transaction: ImplicitTransaction;
  readonly #whole: Statement;
  #stopped: End | undefined;
  #over = false;

  constructor(lease: PooledConnection, transaction: ImplicitTransaction, sql: string) {
    this.#lease = lease;
    this.#transaction = transaction;
    this.#whole = { sql, params: undefined, rowMode: "array" };
  }

  /** Fires with the sum of the rows affected. */
  async run(listOfParams: readonly Params[]): Promise<{ rowCount: number }> {
    const size = this.#lease.conn.executeMany === undefined ? 1 : PORTION;
    let rowCount = 0;
    try {
      for (let from = 0; from < listOfParams.length && this.#stopped === undefined; from += size) {
        const lost = this.#transaction.lost();
        if (lost !== undefined) throw lost;
        rowCount += await this.#send(listOfParams.slice(from, from + size));
      }
    } catch (error) {
      throw this.#stopped ?? error;
    } finally {
      this.#over = true;
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    return { rowCount };
  }

  cancel(error: End): void {
    if (this.#over || this.#stopped !== undefined) return;
    this.#stopped = error;
    this.#lease.cancellations.stop(this.#whole);
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

/** How its time ends: a part of it may be done by then, and lasts if its caller commits all the same. */
export function bulkHooks(sql: string): Pick<StepHooks, "expiredOutcome" | "timeout"> {
  return {
    expiredOutcome: () => "unknown",
    timeout: (timeoutMillis, outcome) => statementTimeout(timeoutMillis, outcome, sql),
  };
}
