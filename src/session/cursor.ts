import type { Column, Params, Result } from "../../drivers/driver.js";
import type { Deferred } from "../defer/index.js";
import { INSPECT } from "../defer/inspect.js";
import { InterfaceError } from "../errors/classes.js";
import { type BulkOptions, checkBulkOptions, type StatementOptions } from "../options/call-options.js";
import { boundTo, checkSql } from "../statement/check-sql.js";
import { shownWork } from "./inspect.js";
import type { Sequence } from "./sequence.js";
import { refused, type Session } from "./session.js";

/**
 * PEP 249's cursor: runs statements, and holds the rows of the last one. Everything that may touch the database gives a
 * Deferred.
 * @see https://peps.python.org/pep-0249/#cursor-objects
 */
export class Cursor {
  /** Private: what shows a cursor must not show its connection, which knows the password. */
  readonly #session: Session;
  readonly #sequence: Sequence;
  #last: Result | undefined;
  #position = 0;

  /** @internal */
  constructor(session: Session, sequence: Sequence) {
    this.#session = session;
    this.#sequence = sequence;
  }

  /** Runs a statement; fires with this cursor, which then has its rows. */
  execute(sql: string, params?: Params, options?: StatementOptions): Deferred<this> {
    return this.#session.statement(this.innermost(), sql, params, options, (result) => {
      this.#last = result;
      this.#position = 0;
      return this;
    });
  }

  /**
   * Runs a statement once for each list of params, as fast as the driver can; fires with the sum of the rows affected.
   * The first failure ends it, and so does `timeoutMillis`, which is for all of it; what was done by then stays in the
   * transaction.
   */
  executeMany(
    sql: string,
    listOfParams: readonly Params[],
    options?: BulkOptions,
  ): Deferred<{ rowCount: number }> {
    let bound: readonly Params[];
    try {
      checkSql(sql);
      checkBulkOptions(options, "executeMany");
      if (!Array.isArray(listOfParams))
        throw new InterfaceError("executeMany needs a list of lists of params");
      const { driver } = this.#session;
      bound = listOfParams.map((params) => boundTo(driver, sql, params));
    } catch (error) {
      return refused(error);
    }
    return this.#session.many(this.innermost(), sql, bound, options, ({ rowCount }) => {
      this.#last = { rows: [], rowCount, lastInsertId: undefined, columns: [] };
      this.#position = 0;
    });
  }

  /** For `console.log`. */
  [INSPECT](): string {
    return shownWork(this.shownAs, this.innermost());
  }

  /** Fires with the next row of the last `execute`, or undefined past the end. */
  fetchOne<Row = Record<string, unknown>>(): Deferred<Row | undefined> {
    return this.#fetch((rows) => rows[this.#position++] as Row | undefined);
  }

  /** Fires with the next `n` rows, or as many as are left. */
  fetchMany<Row = Record<string, unknown>>(n = 1): Deferred<Row[]> {
    if (n !== Number.POSITIVE_INFINITY && !(Number.isInteger(n) && n >= 0))
      return refused(new InterfaceError("fetchMany needs the number of rows: a whole number, 0 or more"));
    return this.#fetch((rows) => {
      const some = rows.slice(this.#position, this.#position + n) as Row[];
      this.#position += some.length;
      return some;
    });
  }

  /** Fires with all rows that are left. */
  fetchAll<Row = Record<string, unknown>>(): Deferred<Row[]> {
    return this.fetchMany<Row>(Number.POSITIVE_INFINITY);
  }

  /** Rows affected or returned by the last `execute`; -1 before the first, as PEP 249 has it. */
  get rowCount(): number {
    return this.#last?.rowCount ?? -1;
  }

  /** Of the last `execute`. Undefined where the database has none (PostgreSQL: use RETURNING). */
  get lastInsertId(): number | bigint | undefined {
    return this.#last?.lastInsertId;
  }

  /** The columns of the last `execute`; undefined when it gave no rows. */
  get description(): readonly Column[] | undefined {
    const columns = this.#last?.columns;
    if (columns === undefined || columns.length === 0) return undefined;
    return columns.map(({ name }) => ({ name }));
  }

  /** Its name for `console.log`. @internal */
  protected get shownAs(): string {
    return "Cursor";
  }

  /** Where its statements go. @internal */
  protected innermost(): Sequence {
    return this.#sequence;
  }

  /** It takes its turn behind what was asked for before: an `execute` that was not awaited comes first. */
  #fetch<T>(take: (rows: unknown[]) => T): Deferred<T> {
    const fetched = () => {
      if (this.#last === undefined)
        throw new InterfaceError("there is nothing to fetch: execute a statement first");
      return take(this.#last.rows);
    };
    return this.#session.task(this.innermost(), async () => fetched());
  }
}
