/** One connection of a blocking driver, in its thread: runs requests in order, and keeps what each was promised. */
import { OperationalError, ProgrammingError, TransactionAborted } from "../../../src/errors/classes.js";
import type { Params, TransactionOptions } from "../../driver.js";
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { BlockingCursor, BlockingResult } from "../module.js";
import type { Request } from "../protocol.js";
import type { Database } from "./database.js";
import { Groups } from "./groups.js";
import type { Outbox, Settled } from "./outbox.js";
import { readRows } from "./reading.js";
import { type Text, Texts, timed } from "./texts.js";

/** Answers wait for no longer than this to travel with others. */
const FLUSH_MILLIS = 5;

export class Session {
  readonly #database: Database;
  readonly #cells: Cells;
  readonly #outbox: Outbox;
  readonly #texts = new Texts();
  readonly #groups: Groups;
  readonly #maxResultBytes: number | undefined;
  /** The options of the transaction that the pool began; undefined once it has ended, by whatever. */
  #transaction: TransactionOptions | undefined;
  #cursor: { readonly source: BlockingCursor; readonly readOnly: boolean | undefined } | undefined;

  constructor(database: Database, cells: Cells, outbox: Outbox, maxResultBytes: number | undefined) {
    this.#maxResultBytes = maxResultBytes;
    this.#database = database;
    this.#cells = cells;
    this.#outbox = outbox;
    this.#groups = new Groups(database, cells, this.#texts, (request) => this.#settle(request));
  }

  run(requests: readonly Request[]): void {
    const outbox = this.#outbox;
    let flushed = performance.now();
    for (let at = 0; at < requests.length && !this.#cells.retired; ) {
      const group = this.#groups.find(requests, at);
      const several = group.length > 1;
      // What is done is not kept waiting by what takes longer than a few quick statements.
      if (several || !this.#fast(requests[at]!) || performance.now() - flushed > FLUSH_MILLIS) {
        outbox.flush();
        flushed = performance.now();
      }
      if (several) this.#groups.run(group, (settled) => outbox.add(settled, false, requests[at++]![1]));
      else {
        const request = requests[at++]!;
        outbox.add(this.#settle(request), this.#database.inTransaction, request[1]);
      }
    }
    outbox.flush();
  }

  #fast(request: Request): boolean {
    return request[0] === "execute" && this.#texts.of(request[3]).fast;
  }

  // One request.

  #settle(request: Request): Settled {
    try {
      if (!this.#cells.begin(request[1])) throw new StatementCancelled();
      return this.#perform(request);
    } catch (error) {
      return { error };
    }
  }

  #perform(request: Request): Settled {
    const [, slot, transaction] = request;
    switch (request[0]) {
      case "execute":
        return this.#execute(request[3], request[4], slot, transaction);
      case "read":
        return this.#readOnly(request[3]) ? this.#execute(request[3], request[4], slot, false) : "unrun";
      case "many":
        return this.#executeMany(request[3], request[4], slot);
      case "begin":
        this.#database.begin(request[3]);
        this.#transaction = request[3];
        return "done";
      case "commit":
        this.#checkTransaction();
        this.#commitUnlessCancelled(slot);
        this.#transaction = undefined;
        return "done";
      case "rollback":
        this.#transaction = undefined;
        this.#database.rollbackIfOpen();
        return "done";
      case "reset":
        this.#reset();
        return "done";
      case "open":
        this.#open(request[3], request[4], slot, transaction);
        return this.#fetch(request[5], slot);
      case "next":
        return this.#fetch(request[3], slot);
      case "end":
        this.#end();
        return "done";
    }
  }

  #execute(sql: string, params: Params | undefined, slot: number, transaction: boolean): Settled {
    const text = this.#texts.of(sql);
    if (transaction) {
      const readOnly = this.#admitted(text, sql);
      return { result: this.#database.converted(this.#read(text, sql, params, slot)), readOnly };
    }
    const readOnly = this.#database.readOnly(text, sql);
    if (readOnly === false && text.verb !== "other") return this.#write(text, sql, params, slot);
    if (readOnly !== true) this.#cells.decide(slot);
    const result = this.#read(text, sql, params, slot);
    if (readOnly !== true || text.verb === "other") this.#refuseOpenTransaction();
    return { result: this.#database.converted(result), readOnly };
  }

  /** What can only read goes step by step, so that it can be cancelled, and its rows do not pile up. */
  #read(text: Text, sql: string, params: Params | undefined, slot: number): BlockingResult {
    return timed(text, () => {
      const cursor = text.readOnly ? this.#database.iterate(sql, params) : undefined;
      if (cursor === undefined) return this.#database.execute(sql, params);
      return readRows(cursor, {
        maxResultBytes: this.#maxResultBytes,
        cancelled: () => this.#cells.cancelled(slot),
        handOn: (columns, rows) => {
          this.#database.convert(rows);
          return this.#outbox.sendPart(columns, rows, slot);
        },
      });
    });
  }

  #readOnly(sql: string): boolean {
    return this.#database.readOnly(this.#texts.of(sql), sql) === true;
  }

  /**
   * An autocommitted write in a transaction of its own: a cancel that comes before the COMMIT undoes it for certain.
   */
  #write(text: Text, sql: string, params: Params | undefined, slot: number): Settled {
    this.#database.begin({});
    try {
      const result = timed(text, () => this.#orKeep(() => this.#database.execute(sql, params), slot));
      const settled = { result: this.#database.converted(result), readOnly: false };
      if (this.#database.inTransaction) this.#commitUnlessCancelled(slot);
      return settled;
    } catch (error) {
      this.#database.rollbackIfOpen();
      throw error;
    }
  }

  /**
   * What a statement leaves behind when it fails is its database's affair: SQLite's OR FAIL keeps the rows before the
   * bad one.
   */
  #orKeep<T>(execute: () => T, slot: number): T {
    try {
      return execute();
    } catch (error) {
      if (this.#database.inTransaction) {
        try {
          this.#commitUnlessCancelled(slot);
        } catch {
          this.#database.rollbackIfOpen();
        }
      }
      throw error;
    }
  }

  #commitUnlessCancelled(slot: number): void {
    if (!this.#cells.decide(slot)) throw new StatementCancelled();
    this.#database.commit();
  }

  #executeMany(sql: string, listOfParams: readonly Params[], slot: number): Settled {
    const text = this.#texts.of(sql);
    let rowCount = 0;
    for (const params of listOfParams) {
      if (this.#cells.cancelled(slot)) throw new StatementCancelled();
      this.#admitted(text, sql);
      rowCount += this.#database.execute(sql, params).rowCount;
    }
    return { result: { columns: [], rows: [], rowCount }, readOnly: text.readOnly };
  }

  // Streams.

  #open(sql: string, params: Params | undefined, slot: number, transaction: boolean): void {
    const text = this.#texts.of(sql);
    const readOnly = transaction ? this.#admitted(text, sql) : this.#database.readOnly(text, sql);
    const source = readOnly ? this.#database.iterate(sql, params) : undefined;
    if (source !== undefined) {
      this.#cursor = { source, readOnly };
      return;
    }
    const settled = this.#execute(sql, params, slot, transaction);
    if (typeof settled === "string" || "error" in settled) return;
    const { columns, rows } = settled.result;
    this.#cursor = { source: { columns, rows: rows.values() }, readOnly };
  }

  #fetch(batch: number, slot: number): Settled {
    const { source, readOnly } = this.#cursor!;
    const rows: unknown[][] = [];
    try {
      while (rows.length < batch) {
        const next = source.rows.next();
        if (next.done) {
          this.#cursor = undefined;
          break;
        }
        rows.push(next.value);
        if (this.#cells.cancelled(slot)) throw new StatementCancelled();
      }
      const result = this.#database.converted({ columns: source.columns, rows, rowCount: rows.length });
      return { result, readOnly, more: this.#cursor !== undefined };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #end(): void {
    const cursor = this.#cursor;
    this.#cursor = undefined;
    cursor?.source.rows.return?.();
  }

  // Transactions.

  /**
   * Gives what the database says of the text, which may take effect by being prepared: not before it is sure that it
   * belongs to the transaction.
   */
  #admitted(text: Text, sql: string): boolean | undefined {
    this.#checkTransaction();
    const readOnly = this.#database.readOnly(text, sql);
    if (readOnly === false && this.#transaction?.readOnly)
      throw new OperationalError("the transaction is read only, and this statement writes");
    return readOnly;
  }

  /** What ran now would be committed on its own. */
  #checkTransaction(): void {
    if (!this.#database.inTransaction) this.#transaction = undefined;
    if (this.#transaction === undefined) {
      throw new TransactionAborted("the transaction has ended before this statement, which was not run");
    }
  }

  #refuseOpenTransaction(): void {
    if (!this.#database.inTransaction) return;
    this.#database.rollbackIfOpen();
    throw new ProgrammingError(
      "the statement left a transaction open, which was rolled back: use runInteraction for transactions",
    );
  }

  #reset(): void {
    this.#end();
    this.#transaction = undefined;
    this.#database.reset();
  }
}
