/** Autocommitted statements that came together and share a transaction. */
import { TransactionAborted } from "../../../src/errors/classes.js";
import type { Cells } from "../cells.js";
import { StatementCancelled } from "../errors.js";
import type { Request } from "../protocol.js";
import type { Database } from "./database.js";
import type { Settled } from "./outbox.js";
import { type Texts, timed } from "./texts.js";

type Execute = Extract<Request, readonly ["execute", ...unknown[]]>;

/**
 * Statements of a group, at most. Their answers travel together, so the pool's thread works at one group while this
 * works at the next.
 */
const READS = 32;
const WRITES = 16;

/** A commit that takes longer than this waits for the disk: as many share it as there are. */
const DEAR_MILLIS = 0.2;

/** No more come to a group that has taken so long: who cancels one of them waits for its end. */
const GROUP_MILLIS = 20;

export class Groups {
  readonly #database: Database;
  readonly #cells: Cells;
  readonly #texts: Texts;
  readonly #alone: (request: Request) => Settled;
  /** What the last group paid for its COMMIT. */
  #commitMillis = 0;

  /** @param alone runs a request as if nothing else had come. */
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
      if (text.verb !== "plain" || !text.fast || text.readOnly === undefined) break;
      reads ??= text.readOnly;
      if (text.readOnly !== reads) break;
      group.push(request);
    }
    return group;
  }

  /** Runs the first of a group, one at least, and tells what became of each, in order. */
  run(group: readonly Execute[], tell: (settled: Settled) => void): void {
    if (this.#texts.of(group[0]![3]).readOnly) this.#read(group, tell);
    else for (const settled of this.#write(group)) tell(settled);
  }

  #most(reads: boolean | undefined): number {
    if (reads !== false) return READS;
    return this.#commitMillis > DEAR_MILLIS ? Number.POSITIVE_INFINITY : WRITES;
  }

  /**
   * One look at the locks, one snapshot: as if they had all run in the same moment, which was after they were asked.
   */
  #read(group: readonly Execute[], tell: (settled: Settled) => void): void {
    try {
      this.#database.begin({ readOnly: true });
    } catch (error) {
      for (const _ of group) tell({ error });
      return;
    }
    // Each is told before the next runs, whose rows may leave ahead of its answer.
    for (const request of group) tell(this.#alone(request));
    this.#database.rollbackIfOpen();
  }

  /**
   * Group commit: nobody is answered before it. All are undone for the one that cannot be committed, and those before
   * it are done again, without it.
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

  /** Commits the first of them, as `settled` says; or gives the place of the one that is in the way. */
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
      // It does not say whose fault it is: half of them at a time.
      return settled.length >> 1;
    }
    this.#commitMillis = performance.now() - begun;
    return undefined;
  }

  #member([, slot, , sql, params]: Execute): Settled {
    // Cancelled in time: it is not among them.
    if (!this.#cells.begin(slot)) return { error: new StatementCancelled() };
    const result = timed(this.#texts.of(sql), () => this.#database.execute(sql, params));
    if (!this.#database.inTransaction) throw new TransactionAborted("a statement ended the transaction");
    return { result: this.#database.converted(result), readOnly: false };
  }
}
