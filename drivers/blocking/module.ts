/**
 * The contract of a blocking driver: an ES module of plain synchronous calls, run in worker threads, one connection
 * to a thread. Two functions are enough (`connect` here, `execute` and `close` of what it gives); the rest are
 * capabilities.
 *
 *     export function connect(file) { return new MyConnection(file); }
 *
 * and, on the side of the pool, `new ConnectionPool(blockingDriver(new URL("./my-database.js", import.meta.url)),
 * "file.my")`.
 */
import type { Params, TransactionOptions } from "../driver.js";

export interface BlockingModule {
  /** Opens one connection; gets the pool's connect arguments. */
  connect(...args: readonly never[]): BlockingConnection;

  /**
   * The name of the class of PEP 249's tree that an error belongs to: `"ProgrammingError"`, `"UniqueViolation"`, …
   * Undefined, or no `classify`: by the error's own `name`, else `"OperationalError"`.
   */
  classify?(error: unknown): string | undefined;
}

export interface BlockingConnection {
  /** Whether a transaction is open; asked after each statement, so it must be free of cost. */
  readonly inTransaction: boolean;

  /** Runs one statement to its end. */
  execute(sql: string, params: Params | undefined): BlockingResult;

  close(): void;

  /** Starts a transaction. Absent: the statement `BEGIN` is executed, and likewise `COMMIT` and `ROLLBACK`. */
  begin?(options: TransactionOptions): void;
  commit?(): void;
  rollback?(): void;

  /**
   * The same as `execute`, row by row, so that it can be cancelled between rows and a large result leaves in pieces.
   * Undefined where the text gives no rows. Called of a text that writes, too, where `readOnly` says so: what it writes
   * must be the same once all of its rows were taken; `return` of the rows ends it earlier.
   */
  iterate?(sql: string, params: Params | undefined): BlockingCursor | undefined;

  /**
   * Whether the database says that the text can write nothing; may throw what `execute` would. With it, and only with
   * it, autocommitted statements of one message share a transaction, and a cancelled write is known to be not applied.
   */
  readOnly?(sql: string): boolean;

  /**
   * Where the statements of a text are, in order, which `execute` takes one by one, without params. Absent: there are
   * no scripts.
   */
  divide?(script: string): Iterable<readonly [start: number, end: number]>;

  /** Back to the state of a new connection. Absent: it is closed, and `connect` called again. */
  reset?(): void;
}

export interface BlockingResult {
  /**
   * Names in order, duplicates too; the same array for the same statement travels only once. Empty when there are no
   * rows.
   */
  readonly columns: readonly string[];
  /**
   * Fresh arrays, one a row: they are changed on their way. Integers may be bigints: they become what the pool's
   * `int64` asks for. BLOBs (`Uint8Array`) stay the module's and arrive as Buffers.
   */
  readonly rows: unknown[][];
  /** Rows affected by a write, or returned by a query. */
  readonly rowCount: number;
  readonly lastInsertId?: number | bigint | undefined;
}

export interface BlockingCursor {
  /** Looked at once rows have been asked for. */
  readonly columns: readonly string[];
  readonly rows: IterableIterator<unknown[]>;
  /** As of a result; looked at once the rows are over, if there were any. */
  readonly lastInsertId?: number | bigint | undefined;
}
