/** One connection of a blocking driver, in its thread: runs requests in order, and keeps what each was promised. */
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { Request } from "../protocol.js";
import { StreamCursor } from "./cursor.js";
import type { Database } from "./database.js";
import { Groups } from "./groups.js";
import type { Outbox, Settled } from "./outbox.js";
import { Scripts } from "./scripts.js";
import { Statements } from "./statements.js";
import { Texts } from "./texts.js";
import { PoolTransaction } from "./transaction.js";

/** Answers wait for no longer than this to travel with others. */
const FLUSH_MILLIS = 5;

export class ThreadSession {
  readonly #database: Database;
  readonly #cells: Cells;
  readonly #outbox: Outbox;
  readonly #texts = new Texts();
  readonly #transaction: PoolTransaction;
  readonly #statements: Statements;
  readonly #scripts: Scripts;
  readonly #cursor: StreamCursor;
  readonly #groups: Groups;

  constructor(database: Database, cells: Cells, outbox: Outbox, maxResultBytes: number | undefined) {
    const texts = this.#texts;
    const transaction = new PoolTransaction(database, cells);
    const statements = new Statements(database, cells, outbox, texts, transaction, maxResultBytes);
    this.#database = database;
    this.#cells = cells;
    this.#outbox = outbox;
    this.#transaction = transaction;
    this.#statements = statements;
    this.#scripts = new Scripts(database, cells, texts, transaction);
    this.#cursor = new StreamCursor(database, cells, texts, statements);
    this.#groups = new Groups(database, cells, texts, (request) => this.#settle(request));
  }

  run(requests: readonly Request[]): void {
    const outbox = this.#outbox;
    let flushed = performance.now();
    for (let at = 0; at < requests.length && !this.#cells.retired; ) {
      const group = this.#groups.find(requests, at);
      const several = group.length > 1;
      // Answers that are ready are not kept waiting by what takes longer than a few quick statements.
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

  #settle(request: Request): Settled {
    try {
      if (!this.#cells.begin(request[1])) throw new StatementCancelled();
      return this.#perform(request);
    } catch (error) {
      return { error };
    }
  }

  #perform(request: Request): Settled {
    const [, slot, inTransaction] = request;
    switch (request[0]) {
      case "execute":
        return this.#statements.execute(request[3], request[4], slot, inTransaction);
      case "read":
        return this.#statements.read(request[3], request[4], slot);
      case "many":
        return this.#statements.executeMany(request[3], request[4], slot);
      case "script":
        this.#scripts.run(request[3], slot, inTransaction);
        return "done";
      case "begin":
        this.#transaction.begin(request[3]);
        return "done";
      case "commit":
        this.#transaction.commit(slot);
        return "done";
      case "rollback":
        this.#transaction.rollback();
        return "done";
      case "reset":
        this.#cursor.end();
        this.#transaction.forget();
        this.#database.reset();
        return "done";
      case "open":
        this.#cursor.open(request[3], request[4], slot, inTransaction);
        return this.#cursor.fetch(request[5], slot);
      case "next":
        return this.#cursor.fetch(request[3], slot);
      case "end":
        this.#cursor.end();
        return "done";
    }
  }
}
