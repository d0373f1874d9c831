/** The module's connection, with defaults for what the module leaves out. */
import { isThenable } from "../../../src/defer/checks.js";
import { InterfaceError, OperationalError } from "../../../src/errors/classes.js";
import type { Params, TransactionOptions } from "../../driver.js";
import type { BlockingConnection, BlockingCursor, BlockingModule, BlockingResult } from "../module.js";
import type { Setup } from "../protocol.js";
import { convertIntegers, demote } from "./integers.js";
import type { Text } from "./texts.js";

export class Database {
  readonly #module: BlockingModule;
  readonly #setup: Setup;
  /** Undefined when the old one was closed, and no new one could be opened. */
  #current: BlockingConnection | undefined;

  constructor(module: BlockingModule, setup: Setup) {
    this.#module = module;
    this.#setup = setup;
    this.#current = this.#connect();
  }

  get inTransaction(): boolean {
    return this.#current?.inTransaction ?? false;
  }

  /** The integers of its rows are as the module gives them: see `converted`. */
  execute(sql: string, params: Params | undefined): BlockingResult {
    return synchronous("execute", this.#connection.execute(sql, params));
  }

  iterate(sql: string, params: Params | undefined): BlockingCursor | undefined {
    return this.#connection.iterate?.(sql, params);
  }

  /** Where the statements of a text are; undefined where the module does not tell. */
  divide(script: string): Iterable<readonly [start: number, end: number]> | undefined {
    return this.#connection.divide?.(script);
  }

  /** What the database says of the text; undefined where it does not tell. Throws what executing it would. */
  readOnly(text: Text, sql: string): boolean | undefined {
    text.readOnly ??= this.#connection.readOnly?.(sql);
    return text.readOnly;
  }

  /** Integers as the pool asked for them; throws where one would not be exact. */
  converted(result: BlockingResult): BlockingResult {
    this.convert(result.rows);
    return typeof result.lastInsertId === "bigint"
      ? { ...result, lastInsertId: demote(result.lastInsertId) }
      : result;
  }

  /** The same, in place. */
  convert(rows: readonly unknown[][]): void {
    convertIntegers(rows, this.#setup.int64);
  }

  begin(options: TransactionOptions): void {
    if (this.#connection.begin === undefined) this.execute("BEGIN", undefined);
    else this.#connection.begin(options);
  }

  commit(): void {
    if (this.#connection.commit === undefined) this.execute("COMMIT", undefined);
    else this.#connection.commit();
  }

  rollbackIfOpen(): void {
    if (!this.inTransaction) return;
    if (this.#connection.rollback === undefined) this.execute("ROLLBACK", undefined);
    else this.#connection.rollback();
  }

  reset(): void {
    if (this.#connection.reset !== undefined) {
      this.#connection.reset();
      return;
    }
    const old = this.#connection;
    this.#current = undefined;
    old.close();
    this.#current = this.#connect();
  }

  close(): void {
    this.#current?.close();
  }

  get #connection(): BlockingConnection {
    if (this.#current === undefined)
      throw new OperationalError("the connection is closed: no new one could be opened");
    return this.#current;
  }

  #connect(): BlockingConnection {
    const connection = synchronous(
      "connect",
      this.#module.connect(...(this.#setup.args as readonly never[])),
    );
    if (typeof connection?.execute === "function") return connection;
    throw new InterfaceError(
      '"connect" of the blocking module gave no connection: one has "execute" and "close"',
    );
  }
}

/** A promise is refused: the thread waits neither for it nor for what it rejects with. */
function synchronous<T>(call: string, given: T): T {
  if (!isThenable(given)) return given;
  given.then(undefined, () => {});
  throw new InterfaceError(
    `"${call}" of the blocking module gave a promise: its calls must be synchronous. For an asynchronous package, write a Driver`,
  );
}
