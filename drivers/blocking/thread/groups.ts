/** Autocommitted statements that came together and share a transaction. */
import { TransactionAborted } from "../../../src/errors/classes.js";
import type { Params } from "../../driver.js";
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { BlockingResult } from "../module.js";
import type { Request } from "../protocol.js";
import type { Database } from "./database.js";
import type { Settled } from "./outbox.js";
import { readRows } from "./reading.js";
import { type Text, type Texts, timed } from "./texts.js";

type Execute = Extract<Request, readonly ["execute", ...unknown[]]>;

/**
 * Statements of a group, at most. Their answers travel together, so the pool's thread takes the answers of one group
 * while this thread runs the next.
 */
const READS = 32;
const WRITES = 16;

/** A commit that takes longer than this waits for the disk: then all writes that have come share it. */
const SLOW_COMMIT_MILLIS = 0.2;

/** A group that has taken so long is committed: the cancel of one of its statements waits for the end of all. */
const GROUP_MILLIS = 20;

export class Groups {
  readonly #database: Database;
  readonly #cells: Cells;
  readonly #texts: Texts;
  readonly #alone: (request: Request) => Settled;
  /** How long the COMMIT of the last group took. */
  #commitMillis = 0;

  /** @param alone runs a request outside of any group */
  constructor(database: Database, cells: Cells, texts: Texts, alone: (request: Request) => Settled) {
    this.#database = database;
    this.#cells = cells;
    this.#texts = texts;
    this.#alone = alone;
  }

  /** The longest run, from `from` on, of autocommitted statements that are all fast reads or all fast writes. */
  find(requests: readonly Request[], from: number): Execute[] {
    const group: Execute[] = [];
    let reads: boolean | undefined;
    for (let at = from; at < requests.length && group.length < this.#most(reads); at++) {
      const request = requests[at]!;
      if (request[0] !== "execute" || request[2]) break;
      const text = this.#texts.of(request[3]);
      if (text.verb !== "plain" || !text.fast || text.readOnly === undefined || text.returnsMany) break;
      reads ??= text.readOnly;
      if (text.readOnly !== reads) break;
      group.push(request);
    }
    return group;
  }

  /** Runs the first statements of a group, one at least, and tells what became of each, in order. */
  run(group: readonly Execute[], tell: (settled: Settled) => void): void {
    if (this.#texts.of(group[0]![3]).readOnly) this.#read(group, tell);
    else for (const settled of this.#write(group)) tell(settled);
  }

  #most(reads: boolean | undefined): number {
    if (reads !== false) return READS;
    return this.#commitMillis > SLOW_COMMIT_MILLIS ? Number.POSITIVE_INFINITY : WRITES;
  }

  /**
   * They take the locks once, and see one snapshot: as if all had run in one moment after the call of the last.
   */
  #read(group: readonly Execute[], tell: (settled: Settled) => void): void {
    try {
      this.#database.begin({ readOnly: true });
    } catch (error) {
      for (const _ of group) tell({ error });
      return;
    }
    // Each is told before the next runs: rows of the next may leave ahead of its own answer.
    for (const request of group) tell(this.#alone(request));
    this.#database.rollbackIfOpen();
  }

  /**
   * Group commit: no statement is answered before it. If one of them cannot be committed, all are rolled back, and
   * those before that one are run again without it.
   */
  #write(group: readonly Execute[]): Settled[] {
    if (group.length === 1) return [this.#alone(group[0]!)];
    try {
      this.#database.begin({});
    } catch (error) {
      return group.map(() => ({ error }));
    }
    const settled: Settled[] = [];
    const wrong = this.#attempt(group, settled);
    if (wrong === undefined) return settled;
    this.#database.rollbackIfOpen();
    for (const [, slot] of group) this.#cells.requeue(slot);
    return this.#write(group.slice(0, Math.max(1, wrong)));
  }

  /**
   * Runs and commits them, or the first of them, into `settled`; or gives the index of the one that keeps it from
   * that.
   */
  #attempt(group: readonly Execute[], settled: Settled[]): number | undefined {
    const until = performance.now() + GROUP_MILLIS;
    try {
      for (const request of group) {
        settled.push(this.#member(request));
        if (performance.now() > until) break;
      }
    } catch {
      return settled.length;
    }
    const cancelled = settled.findIndex(
      (one, at) => typeof one !== "string" && "result" in one && !this.#cells.decide(group[at]![1]),
    );
    if (cancelled >= 0) return cancelled;
    const begun = performance.now();
    try {
      this.#database.commit();
    } catch {
      // The error does not tell which statement is to blame: the next attempt is made with half of them.
      return settled.length >> 1;
    }
    this.#commitMillis = performance.now() - begun;
    return undefined;
  }

  #member([, slot, , sql, params]: Execute): Settled {
    // Cancelled before its turn: it takes no part.
    if (!this.#cells.begin(slot)) return { error: new StatementCancelled() };
    const text = this.#texts.of(sql);
    const result = timed(text, () => this.#onePiece(text, sql, params, slot));
    if (!this.#database.inTransaction) throw new TransactionAborted("a statement ended the transaction");
    return { result: this.#database.converted(result), readOnly: false };
  }

  /** Rows of a member may leave only once it is committed; if they are more than one piece, it has to run alone. */
  #onePiece(text: Text, sql: string, params: Params | undefined, slot: number): BlockingResult {
    const cursor = this.#database.iterate(sql, params);
    if (cursor === undefined) return this.#database.execute(sql, params);
    return readRows(cursor, {
      maxResultBytes: undefined,
      cancelled: () => this.#cells.cancelled(slot),
      handOn: () => {
        text.returnsMany = true;
        return false;
      },
    });
  }
}
