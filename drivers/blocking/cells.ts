/**
 * The words of memory that both threads share. Each request in flight has one cell, and the thread that changes it
 * first, by compare-and-swap, decides: a statement that was cancelled while queued never runs, and a write whose
 * cancel came before `decide` is rolled back.
 */

const QUEUED = 0;
const RUNNING = 1;
const CANCELLED = 2;
/** A cancel promises nothing any more: it is being committed, or runs without a transaction around it. */
const DECIDED = 3;
/** A write of the pool's transaction: a cancel does not undo it, a rollback or the end of the thread does. */
const KEPT = 4;

const RETIRED = 0;
const PARTS = 1;
const FIRST_SLOT = 2;

/** Slices of a large result that may be on their way at once. */
const WINDOW = 3;

/** A worker that waits for room looks again after this time, even if it was not woken. */
const LOOK_UP_MILLIS = 1_000;

/** In what state a cancel found the request. */
export type Caught = "queued" | "running" | "kept" | "decided";

export class Cells {
  readonly words: Int32Array;
  readonly slots: number;

  constructor(words: Int32Array) {
    this.words = words;
    this.slots = words.length - FIRST_SLOT;
  }

  static create(slots: number): Cells {
    return new Cells(new Int32Array(new SharedArrayBuffer((FIRST_SLOT + slots) * 4)));
  }

  // Called by the pool's thread.

  queue(slot: number): void {
    Atomics.store(this.words, FIRST_SLOT + slot, QUEUED);
  }

  cancel(slot: number): Caught {
    const at = FIRST_SLOT + slot;
    if (Atomics.compareExchange(this.words, at, QUEUED, CANCELLED) === QUEUED) return "queued";
    const found = Atomics.compareExchange(this.words, at, RUNNING, CANCELLED);
    if (found === KEPT) return "kept";
    return found === DECIDED ? "decided" : "running";
  }

  retire(): void {
    Atomics.store(this.words, RETIRED, 1);
    Atomics.notify(this.words, PARTS);
  }

  partTaken(): void {
    Atomics.sub(this.words, PARTS, 1);
    Atomics.notify(this.words, PARTS);
  }

  // Called by the worker.

  get retired(): boolean {
    return Atomics.load(this.words, RETIRED) === 1;
  }

  /** False when it was cancelled while it was queued. */
  begin(slot: number): boolean {
    return Atomics.compareExchange(this.words, FIRST_SLOT + slot, QUEUED, RUNNING) !== CANCELLED;
  }

  cancelled(slot: number): boolean {
    return Atomics.load(this.words, FIRST_SLOT + slot) === CANCELLED || this.retired;
  }

  /** False when the cancel was first. */
  decide(slot: number): boolean {
    const found = Atomics.compareExchange(this.words, FIRST_SLOT + slot, RUNNING, DECIDED);
    return found === RUNNING || found === DECIDED;
  }

  /** False when the cancel was first. */
  keep(slot: number): boolean {
    return Atomics.compareExchange(this.words, FIRST_SLOT + slot, RUNNING, KEPT) === RUNNING;
  }

  /** All that was done of it is undone, and it will run again: a cancel finds it as if it had never begun. */
  requeue(slot: number): void {
    const at = FIRST_SLOT + slot;
    Atomics.compareExchange(this.words, at, RUNNING, QUEUED);
    Atomics.compareExchange(this.words, at, DECIDED, QUEUED);
  }

  /** Blocks until the pool's thread keeps up. False when the pool has given this thread up. */
  roomForPart(): boolean {
    for (;;) {
      const waiting = Atomics.load(this.words, PARTS);
      if (this.retired) return false;
      if (waiting < WINDOW) return true;
      Atomics.wait(this.words, PARTS, waiting, LOOK_UP_MILLIS);
    }
  }

  partSent(): void {
    Atomics.add(this.words, PARTS, 1);
  }
}
