import type { Params, TransactionOptions } from "../../drivers/driver.js";
import type { Deferred } from "../defer/index.js";
import type { BulkOptions, StatementOptions } from "../options/call-options.js";
import { runScript } from "../script/script.js";
import { type AnyRow, resultOf, type StatementResult } from "../statement/results.js";
import type { RowStream } from "../stream/row-stream.js";
import type { Sequence } from "./sequence.js";
import type { Session } from "./session.js";

/** A session of the pool's for whoever says themselves where transactions begin and end: query builders. */
export class OpenSession {
  readonly #session: Session;
  readonly #sequence: Sequence;
  #touched = false;

  constructor(session: Session, sequence: Sequence) {
    this.#session = session;
    this.#sequence = sequence;
  }

  /** Whether anything ran outside of its transactions, whose settings and locks may outlast it. */
  get touched(): boolean {
    return this.#touched;
  }

  /** Whether something on it was not settled by its deadline, and is not yet. */
  get late(): boolean {
    return this.#session.late;
  }

  runStatement(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
  ): Deferred<StatementResult<AnyRow>> {
    this.#touch();
    return this.#session.statement(this.#sequence, sql, params, options, resultOf) as Deferred<
      StatementResult<AnyRow>
    >;
  }

  runScript(sql: string, options?: BulkOptions): Deferred<void> {
    this.#touch();
    return runScript(this.#session, this.#sequence, sql, options);
  }

  runStream(
    sql: string,
    params: Params | undefined,
    options: StatementOptions | undefined,
  ): RowStream<AnyRow> {
    this.#touch();
    return this.#session.stream(this.#sequence, sql, params, options) as RowStream<AnyRow>;
  }

  /** BEGIN goes out together with the next statement. */
  begin(options: TransactionOptions): Deferred<void> {
    return this.#session.task(this.#sequence, async () => this.#session.transaction.enter(options));
  }

  commit(): Deferred<void> {
    return this.#session.task(this.#sequence, async () => {
      await this.#session.transaction.commit();
      this.#session.transaction.leave();
    });
  }

  /** Never fails: an interaction that the pool has ended meanwhile is rolled back by the pool. */
  rollback(): Deferred<void> {
    const rolledBack = this.#session.task(this.#sequence, async () => {
      await this.#session.transaction.rollback(undefined);
      this.#session.transaction.leave();
    });
    return rolledBack.addErrback(() => {}) as Deferred<void>;
  }

  #touch(): void {
    if (this.#session.transaction.mode === "autocommit") this.#touched = true;
  }
}
